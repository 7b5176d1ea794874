"""What a client may ask of a person, parameter by parameter."""

import json

import msgspec
import pytest

from registrary.authserver.authorization.request import Source
from registrary.authserver.authorization.way_back import ResponseMode
from registrary.core.issuer import Resource
from registrary.core.lifecycle import ClientState, Hold, HoldKind
from registrary.protocol.errors import printable
from registrary.testing.clock import MOMENT
from registrary.testing.factories import a_client, some_metadata
from tests.unit.authserver.authorization.requests import (
    CHALLENGE,
    DETAIL,
    URI,
    a_context,
    a_request,
    a_web_client,
    dynamic_context,
    failure_of,
)

LOOPBACK = "http://127.0.0.1/cb"
PRIVATE = "com.example.app:/cb"
TWO = ["https://client.example/callback", "https://client.example/other"]
ALL_TYPES = [
    "code",
    "id_token",
    "id_token token",
    "code id_token",
    "code token",
    "code id_token token",
]


def dynamic_client(**metadata):
    """Return a client that registered every response type."""
    grants = ["authorization_code", "implicit", "refresh_token"]
    return a_web_client(response_types=ALL_TYPES, grant_types=grants, **metadata)


def test_a_good_request_comes_out_as_it_was_meant():
    """What the rest of the conversation relies on is read here, once."""
    request = a_request(nonce="n", max_age="60", acr_values="mfa phr", login_hint="demo")

    assert URI == request.way_back.uri
    assert "a-state" == request.way_back.state
    assert frozenset({"code"}) == request.response_type
    assert ("openid", "profile", "read") == request.scope
    assert CHALLENGE == request.code_challenge
    assert ("n", 60, ("mfa", "phr"), "demo") == (
        request.nonce,
        request.max_age,
        request.acr_values,
        request.login_hint,
    )


@pytest.mark.parametrize(
    "asked",
    [
        "https://client.example/callback/",
        "https://client.example/Callback",
        "https://CLIENT.example/callback",
        "https://client.example:443/callback",
        "https://client.example/callback?",
        "https://client.example/callback?a=b",
        "https://client.example/callback#",
        "https://client.example/x/../callback",
        "https://client.example/callback/..;/",
        "https://client.example/%63allback",
        "https://client.example.evil.test/callback",
        "https://client.example@evil.test/callback",
        "https://client.example%25@evil.test/callback",
        "https://client.example\\@evil.test/callback",
        "http://client.example/callback",
        "//client.example/callback",
        "/callback",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "https://client.example/callback\r\nset-cookie: a=b",
        " https://client.example/callback",
    ],
)
@pytest.mark.spec("AZ-001", "C-001")
def test_an_address_that_is_not_registered_is_no_way_back(asked):
    """Whoever is sent to another address takes the code with them (CVE-2019-11269 and others)."""
    failure = failure_of(redirect_uri=asked)

    assert "invalid_request" == failure.code
    assert failure.way_back is None
    assert asked not in failure.description


@pytest.mark.parametrize(
    ("registered", "asked", "fits"),
    [
        (LOOPBACK, "http://127.0.0.1:49152/cb", True),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:1/cb", True),
        ("http://localhost/cb", "http://localhost:5000/cb", True),
        ("http://[::1]/cb", "http://[::1]:5000/cb", True),
        (LOOPBACK, "http://localhost/cb", False),
        (LOOPBACK, "http://127.0.0.1:49152/cb?x=1", False),
        (LOOPBACK, "http://127.0.0.1:49152/other", False),
        (LOOPBACK, "http://127.0.0.1.evil.test/cb", False),
        (LOOPBACK, "http://127.0.0.1:80@evil.test/cb", False),
        (LOOPBACK, "http://127.0.0.1:65536/cb", False),
        (LOOPBACK, "https://127.0.0.1/cb", False),
        (LOOPBACK + "?a=b", "http://127.0.0.1:9/cb?a=b", True),
        (LOOPBACK + "?a=b", "http://127.0.0.1:9/cb?a=c", False),
        (PRIVATE, PRIVATE, True),
        (PRIVATE, "com.example.app:/cb/", False),
    ],
)
@pytest.mark.spec("E-110", "E-111", "E-125")
def test_loopback_frees_the_port_and_nothing_else(registered, asked, fits):
    """Native apps get a port from the system, and nothing else of theirs may vary."""
    client = a_web_client(redirect_uris=[registered], application_type="native")

    if fits:
        assert asked == a_request(client=client, redirect_uri=asked).way_back.uri
    else:
        assert failure_of(client=client, redirect_uri=asked).way_back is None


@pytest.mark.parametrize(
    ("registered", "scope", "is_enough"),
    [([URI], "read", True), ([URI], "openid", False), (TWO, "read", False), ([], "read", False)],
    ids=["one", "one-openid", "two", "none"],
)
@pytest.mark.spec("AZ-003")
def test_the_way_back_may_be_left_out_only_where_it_is_plain(registered, scope, is_enough):
    """Guessing between two addresses would send a code to the wrong one."""
    client = a_web_client(redirect_uris=registered)

    if is_enough:
        request = a_request(client=client, scope=scope, redirect_uri=None)
        assert (URI, None) == (request.way_back.uri, request.redirect_uri)
    else:
        assert failure_of(client=client, scope=scope, redirect_uri=None).way_back is None


HARD = Hold(kind=HoldKind.ADMIN, reason="x", actor="admin", since=MOMENT)
SOFT = Hold(kind=HoldKind.DORMANT, reason="x", actor="system", since=MOMENT)


@pytest.mark.parametrize(
    ("state", "holds", "code", "goes_back"),
    [
        (ClientState.PENDING, (), "unauthorized_client", True),
        (ClientState.EXPIRED, (), "unauthorized_client", True),
        (ClientState.SUSPENDED, (SOFT,), "unauthorized_client", True),
        (ClientState.SUSPENDED, (SOFT, HARD), "invalid_client", False),
        (ClientState.REVOKED, (), "invalid_client", False),
        (ClientState.PURGED, (), "invalid_client", False),
        (ClientState.REJECTED, (), "invalid_client", False),
    ],
)
def test_a_client_that_may_not_act_asks_nobody(state, holds, code, goes_back):
    """A hold that people could still be led past would hold nothing."""
    client = msgspec.structs.replace(a_web_client(), state=state, holds=holds)

    failure = failure_of(client=client)

    assert (code, goes_back) == (failure.code, failure.way_back is not None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "code code"}, "unsupported_response_type"),
        ({"response_mode": "web_message"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1] + "+"}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "unheard_of"}, "invalid_scope"),
        ({"scope": 'read"'}, "invalid_scope"),
        ({"resource": "https://other.example/"}, "invalid_target"),
        ({"resource": "https://registry.example#x"}, "invalid_target"),
        ({"resource": "not a uri"}, "invalid_target"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"id_token": {"email": 1}}'}, "invalid_request"),
        ({"claims": '{"id_token": []}'}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"state": "a\nb"}, "invalid_request"),
        ({"nonce": "a\x00b"}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://client.example/r"}, "request_uri_not_supported"),
        ({"authorization_details": "{"}, "invalid_authorization_details"),
        ({"authorization_details": "{}"}, "invalid_authorization_details"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
        ({"authorization_details": "[{}]"}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type": "other"}]'}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type": 1}]'}, "invalid_authorization_details"),
    ],
    ids=str,
)
@pytest.mark.spec("AZ-016", "AZ-018", "AZ-019")
def test_what_may_not_be_asked_is_told_by_its_name(changes, code):
    """A developer who reads the error knows which parameter to mend."""
    failure = failure_of(**changes)

    assert code == failure.code
    assert failure.way_back is not None
    assert next(iter(changes)).removesuffix("_method") in failure.description
    assert printable(failure.description) == failure.description


@pytest.mark.spec("AZ-011")
def test_an_unknown_parameter_is_ignored():
    """Extensions come and go (RFC 6749 §3.1)."""
    request = a_request(unheard_of="x", display="popup", ui_locales="xx", claims_locales="yy")

    assert ("openid", "profile", "read") == request.scope


@pytest.mark.parametrize("method", ["client_secret_basic", "none", "private_key_jwt"])
def test_everybody_proves_the_code_is_theirs(method):
    """A stolen code is worth nothing without the verifier (RFC 9700 §2.1.1)."""
    client = a_web_client(token_endpoint_auth_method=method)

    failure = failure_of(client=client, code_challenge=None, code_challenge_method=None)

    assert "invalid_request" == failure.code


@pytest.mark.parametrize(
    ("method", "may_leave_out"), [("client_secret_basic", True), ("none", False)]
)
@pytest.mark.spec("AZ-014")
def test_certification_lets_confidential_clients_leave_pkce_out(method, may_leave_out):
    """The conformance suite's clients send none; one that does is held to it (CVE-2025-4144)."""
    client = dynamic_client(token_endpoint_auth_method=method)
    without = {"code_challenge": None, "code_challenge_method": None}

    sent = a_request(dynamic_context(), client)

    assert CHALLENGE == sent.code_challenge
    if may_leave_out:
        assert a_request(dynamic_context(), client, **without).code_challenge is None
    else:
        assert "invalid_request" == failure_of(dynamic_context(), client, **without).code
    half = failure_of(dynamic_context(), client, code_challenge=None)
    assert "invalid_request" == half.code


@pytest.mark.parametrize(
    ("registered", "asked", "granted"),
    [
        ("openid read write", "read", ("read",)),
        ("openid read write", "write read", ("write", "read")),
        ("openid read", "read write admin", ("read",)),
        ("openid read", None, ("openid", "read")),
        ("openid read", "  ", ("openid", "read")),
        ("openid read admin", None, ("openid", "read")),
        ("openid read admin", "admin", ("admin",)),
        ("admin", None, ()),
        ("read gone", "gone read", ("read",)),
        ("openid offline_access", "openid offline_access", ("openid", "offline_access")),
    ],
)
@pytest.mark.spec("AZ-015")
def test_scope_is_narrowed_to_what_the_client_registered(registered, asked, granted):
    """A client asks for what its library knows, and gets what is its own."""
    request = a_request(client=a_web_client(scope=registered), scope=asked)

    assert granted == request.scope


def test_tokens_without_a_code_cannot_be_renewed_later():
    """Nothing could be done with ``offline_access`` (Core §11)."""
    request = a_request(
        dynamic_context(),
        dynamic_client(),
        response_type="id_token",
        scope="openid offline_access",
        nonce="n",
    )

    assert ("openid",) == request.scope


@pytest.mark.parametrize(
    ("asked", "mode"),
    [
        ({}, ResponseMode.QUERY),
        ({"response_mode": "fragment"}, ResponseMode.FRAGMENT),
        ({"response_mode": "form_post"}, ResponseMode.FORM_POST),
        ({"response_mode": "jwt"}, ResponseMode.QUERY_JWT),
        ({"response_mode": "form_post.jwt"}, ResponseMode.FORM_POST_JWT),
        ({"response_type": "id_token"}, ResponseMode.FRAGMENT),
        ({"response_type": "token id_token"}, ResponseMode.FRAGMENT),
        ({"response_type": "id_token code"}, ResponseMode.FRAGMENT),
        ({"response_type": "id_token", "response_mode": "form_post"}, ResponseMode.FORM_POST),
        ({"response_type": "id_token", "response_mode": "jwt"}, ResponseMode.FRAGMENT_JWT),
    ],
    ids=str,
)
def test_an_answer_travels_as_asked(asked, mode):
    """Tokens go into the fragment unless the client wants a form."""
    request = a_request(dynamic_context(), dynamic_client(), nonce="n", **asked)

    assert mode is request.way_back.mode


@pytest.mark.parametrize("mode", ["query", "query.jwt"])
def test_tokens_never_go_into_a_query(mode):
    """Queries end in logs and in Referer headers (OAuth 2.0 Multiple Response Types §3)."""
    failure = failure_of(
        dynamic_context(),
        dynamic_client(),
        response_type="code id_token",
        response_mode=mode,
        nonce="n",
    )

    assert ("invalid_request", ResponseMode.FRAGMENT) == (
        failure.code,
        failure.way_back and failure.way_back.mode,
    )


def test_an_error_in_place_of_tokens_goes_where_tokens_would():
    """A client that reads the fragment finds the error there too."""
    failure = failure_of(response_type="id_token token", nonce="n")

    assert failure.way_back is not None
    assert ("unsupported_response_type", ResponseMode.FRAGMENT) == (
        failure.code,
        failure.way_back.mode,
    )


@pytest.mark.spec("AZ-013")
def test_a_response_type_must_be_registered():
    """A web client without scripts never wants a token in its address (threat 20)."""
    client = a_web_client(response_types=["code"])

    failure = failure_of(dynamic_context(), client, response_type="id_token", nonce="n")

    assert "unauthorized_client" == failure.code


@pytest.mark.parametrize(
    ("response_type", "is_needed"), [("code", False), ("id_token", True), ("code id_token", True)]
)
def test_a_nonce_is_needed_where_the_browser_carries_the_id_token(response_type, is_needed):
    """Else a stolen one could be brought in again (Core §3.2.2.1)."""
    context, client = dynamic_context(), dynamic_client()

    if is_needed:
        failure = failure_of(context, client, response_type=response_type)
        assert "invalid_request" == failure.code
    else:
        assert a_request(context, client, response_type=response_type).nonce is None


API = Resource(uri="https://api.example/v1", aliases=("urn:api",), name="API")
ROOT = Resource(uri="https://root.example/", is_default=True)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("https://api.example/v1", API.uri),
        ("https://api.example/v1/", API.uri),
        ("https://API.EXAMPLE/v1", API.uri),
        ("HTTPS://api.example/v1", API.uri),
        ("urn:api", API.uri),
        ("https://root.example", ROOT.uri),
        (None, ROOT.uri),
    ],
)
@pytest.mark.spec("AZ-017")
def test_a_resource_is_found_by_any_of_its_spellings(asked, named):
    """Clients take the address a person typed; tokens name it in one way."""
    context = a_context(resources=(API, ROOT))

    request = a_request(context, resource=asked)

    assert (named,) == request.resources


@pytest.mark.parametrize(
    "asked", ["https://api.example/V1", "https://api.example/", "https://api.example/v1?x=1"]
)
@pytest.mark.spec("AZ-016")
def test_another_path_is_another_resource(asked):
    """Tokens for one API are not for its neighbour (GHSA-p2fr-6hmx-4528)."""
    failure = failure_of(a_context(resources=(API,)), resource=asked)

    assert "invalid_target" == failure.code


def test_a_developer_has_resources_on_their_own_machine():
    """Nobody registers an API that is being written."""
    local = "http://localhost:9000/mcp"

    request = a_request(a_context(dev=True), resource=local)

    assert (local,) == request.resources
    assert "invalid_target" == failure_of(a_context(), resource=local).code


@pytest.mark.spec("AZ-018", "E-040")
def test_rich_requests_are_of_registered_types():
    """What no type describes cannot be shown to a person."""
    details = '[{"type": "payment", "amount": 5}]'

    registered = a_request(
        client=a_web_client(authorization_details_types=[DETAIL]), authorization_details=details
    )
    refused = failure_of(authorization_details=details)

    assert ({"type": "payment", "amount": 5},) == registered.authorization_details
    assert "invalid_authorization_details" == refused.code


@pytest.mark.parametrize(
    ("member", "source", "code"),
    [
        ("require_pushed_authorization_requests", Source(), "invalid_request"),
        ("require_pushed_authorization_requests", Source(is_pushed=True), None),
        ("require_signed_request_object", Source(), "invalid_request"),
        ("require_signed_request_object", Source(is_signed=True), None),
    ],
)
def test_a_client_is_held_to_how_it_wants_to_ask(member, source, code):
    """Who registered to push or to sign did so against forged requests."""
    client = a_web_client(**{member: True})

    if code is None:
        assert ("openid", "profile", "read") == a_request(client=client, source=source).scope
    else:
        assert code == failure_of(client=client, source=source).code


@pytest.mark.parametrize(
    ("said", "proved", "bound"),
    [(None, None, None), (CHALLENGE, None, CHALLENGE), (None, CHALLENGE, CHALLENGE)],
)
@pytest.mark.spec("AZ-066")
def test_a_code_is_bound_to_the_key_that_was_named_or_proved(said, proved, bound):
    """A code that leaks is of no use to who has another key (RFC 9449 §10)."""
    request = a_request(source=Source(dpop_jkt=proved), dpop_jkt=said)

    assert bound == request.dpop_jkt


def test_the_key_named_must_be_the_key_proved():
    """Two answers to one question are a fault, or an attack."""
    failure = failure_of(source=Source(dpop_jkt="x" * 43), dpop_jkt=CHALLENGE)

    assert "invalid_request" == failure.code


@pytest.mark.spec("C-019", "C-021")
def test_registered_wishes_hold_where_the_request_is_silent():
    """``default_max_age`` and ``default_acr_values`` are what the client would have said."""
    client = a_web_client(default_max_age=60, default_acr_values=["mfa"])

    silent = a_request(client=client)
    said = a_request(client=client, max_age="5", acr_values="pwd")

    assert (60, ("mfa",)) == (silent.max_age, silent.acr_values)
    assert (5, ("pwd",)) == (said.max_age, said.acr_values)


def test_claims_are_read_as_far_as_they_are_known():
    """Members of later specifications are no reason to refuse (Core §5.5)."""
    claims = '{"id_token": {"acr": {"essential": true, "values": ["mfa"]}}, "other": 1}'

    request = a_request(claims=claims)

    assert {"id_token"} == set(request.claims)
    assert ("mfa",) == request.essential_acr


def test_claims_without_openid_mean_nothing():
    """There is no ID token to put them into."""
    request = a_request(scope="read", claims='{"userinfo": {"email": null}}')

    assert {} == request.claims


def test_a_silent_request_stays_silent_when_it_fails():
    """An invisible frame waits for the answer, not for a page."""
    failure = failure_of(prompt="none", scope="unheard_of")

    assert failure.is_silent


def test_a_client_that_never_redirects_has_no_way_back():
    """A machine's client is none that people can be led to."""
    client = a_client(metadata=some_metadata(redirect_uris=[], response_types=[]))

    assert failure_of(client=client).way_back is None


@pytest.mark.parametrize(
    ("registered", "scope", "claims", "kept", "decided"),
    [
        ("openid email", "openid", ["email"], ["email"], ("openid", "email")),
        ("openid email", "openid email", ["email"], ["email"], ("openid", "email")),
        ("openid email", "openid", ["email_verified", "email"], ["email_verified", "email"], None),
        ("openid", "openid", ["email", "name#de"], [], ("openid",)),
        ("openid profile", "openid", ["name#de", "acr"], ["name#de", "acr"], None),
        ("openid", "openid", ["acr", "unheard_of"], ["acr", "unheard_of"], ("openid",)),
    ],
)
@pytest.mark.spec("AZ-020")
def test_a_claim_is_asked_for_as_its_scope_would_be(registered, scope, claims, kept, decided):
    """Else a client would learn by the one name what it may not ask by the other."""
    wish = json.dumps({"userinfo": dict.fromkeys(claims), "id_token": {}})

    request = a_request(client=a_web_client(scope=registered), scope=scope, claims=wish)

    assert kept == list(request.claims["userinfo"])
    if decided is not None:
        assert decided == request.decided_scope
