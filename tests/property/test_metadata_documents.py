"""Laws of client metadata that hold for every document, honest or hostile."""

import json

from hypothesis import given
from hypothesis import strategies as st

from registrary.core.metadata import (
    BY_NAME,
    FIELDS,
    Feature,
    base_name,
    describe,
    in_deciding_order,
    offer_for,
    parse_document,
)
from registrary.core.metadata.document import DESCRIPTION_LIMIT
from registrary.core.metadata.grants import GRANT_TYPES, RESPONSE_TYPES
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.core.uris import RedirectKind, redirect_kind
from registrary.policy.consistency import explain, needs_secret, resolve, secret_octets, sector_host

OFFERS = [
    offer_for("rfc9700", DEVELOPMENT_SCOPES),
    offer_for("oidf-dynamic", DEVELOPMENT_SCOPES),
    offer_for(
        "oidf-dynamic",
        DEVELOPMENT_SCOPES,
        features=frozenset(Feature) - {Feature.APPROVALS},
        authorization_details_types=("payment_initiation",),
    ),
    offer_for("rfc9700", ()),
    offer_for("rfc9700", DEVELOPMENT_SCOPES).within(grant_types=("client_credentials",)),
]
KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
uris = st.sampled_from(
    [
        "https://client.example/cb",
        "https://client.example/other?a=b",
        "https://other.example/cb",
        "https://localhost/cb",
        "http://127.0.0.1:1/cb",
        "http://localhost/cb",
        "com.example.app:/cb",
    ]
)
algorithms = st.sampled_from(
    [
        "none",
        "RS256",
        "ES256",
        "EdDSA",
        "HS256",
        "HS512",
        "dir",
        "A128KW",
        "ECDH-ES",
        "RSA-OAEP-256",
        "A256GCM",
        "A128CBC-HS256",
    ]
)
LIKELY = {
    "redirect_uris": st.lists(uris, max_size=3),
    "token_endpoint_auth_method": st.sampled_from(
        [
            "none",
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
            "private_key_jwt",
            "tls_client_auth",
            "self_signed_tls_client_auth",
        ]
    ),
    "grant_types": st.lists(st.sampled_from([*GRANT_TYPES, "password", "urn:x"]), max_size=4),
    "response_types": st.lists(st.sampled_from([*RESPONSE_TYPES, "token code"]), max_size=3),
    "client_name": st.text(max_size=12),
    "scope": st.lists(
        st.sampled_from(["openid", "read", "write", "admin", "dcr", "nope", ""]), max_size=4
    ).map(" ".join),
    "contacts": st.lists(st.sampled_from(["a@client.example", "phone"]), max_size=2),
    "jwks": st.sampled_from([{"keys": [KEY]}, {"keys": []}]),
    "application_type": st.sampled_from(["web", "native"]),
    "subject_type": st.sampled_from(["public", "pairwise"]),
    "default_max_age": st.integers(-1, 4000),
    "default_acr_values": st.lists(st.sampled_from(["a", "b"]), max_size=2),
    "request_uris": st.lists(uris, max_size=2),
    "post_logout_redirect_uris": st.lists(uris, max_size=2),
    "authorization_details_types": st.just(["payment_initiation"]),
    "backchannel_token_delivery_mode": st.sampled_from(["poll", "ping", "push"]),
    "tls_client_auth_subject_dn": st.just("CN=client"),
    "tls_client_auth_san_ip": st.just("192.0.2.1"),
}


def likely(field):
    """Return a strategy for values that are often good ones of *field*."""
    if field.name in LIKELY:
        return LIKELY[field.name]
    if field.schema.get("type") == "boolean":
        return st.booleans()
    if field.schema.get("format") == "uri":
        return uris
    if field.announced_by:
        return algorithms
    return st.text(max_size=8)


members = st.one_of(
    *(st.tuples(st.just(field.name), likely(field)) for field in FIELDS),
    st.tuples(st.sampled_from(sorted(BY_NAME)), json_values),
    st.tuples(st.sampled_from(["client_name#fr", "client_name#FR", "logo_uri#de"]), uris),
    st.tuples(st.text(max_size=10), json_values),
)
redirecting = st.tuples(st.just("redirect_uris"), st.just(["https://client.example/cb"]))
documents = st.builds(
    lambda first, rest: dict([*first, *rest]),
    st.lists(redirecting, max_size=1),
    st.lists(members, max_size=12),
)
offers = st.sampled_from(OFFERS)


def judged(document, offer):
    """Return what *document* results in under *offer*, and all that is wrong with it."""
    parsed = parse_document(document, offer)
    unusable = [problem.field for problem in parsed.problems]
    result = resolve(parsed.values, offer, unusable=unusable)
    return result, in_deciding_order((*parsed.problems, *result.problems))


@given(documents, offers)
def test_every_document_is_judged_in_words_a_client_may_read(document, offer):
    """No input may end in a fault of ours, or in an answer that repeats it."""
    result, problems = judged(document, offer)

    for problem in problems:
        assert problem.code == BY_NAME[base_name(problem.field)].error
    said = describe(problems)
    assert len(said) <= DESCRIPTION_LIMIT
    assert said.isascii()
    assert said.isprintable()
    assert not {'"', "\\"} & set(said)
    assert explain(result, problems)


@given(documents, offers)
def test_what_was_echoed_makes_the_same_client(document, offer):
    """A client that sends back what it read changes nothing (RFC 7592 §2.2)."""
    result, problems = judged(document, offer)
    if problems:
        return
    echoed = json.loads(json.dumps(result.metadata))

    again, wrong = judged(echoed, offer)

    assert () == wrong
    assert result.metadata == again.metadata
    assert {} == again.provenance
    assert () == again.dropped
    assert again.pending_scope is None


@given(documents, offers)
def test_an_accepted_client_can_work_and_holds_together(document, offer):
    """What is stored breaks no rule, however it was asked for."""
    result, problems = judged(document, offer)
    if problems:
        return
    client = result.metadata
    grants = client["grant_types"]

    assert grants
    assert set(grants) <= set(offer.grant_types)
    assert set(client["response_types"]) <= set(offer.response_types)
    if any(GRANT_TYPES[grant].redirects for grant in grants):
        assert client["redirect_uris"]
        assert client["response_types"]
    for uri in client.get("redirect_uris", ()):
        is_https = redirect_kind(uri) is RedirectKind.HTTPS
        assert is_https or "native" == client["application_type"]
    if "none" == client["token_endpoint_auth_method"]:
        assert not any(GRANT_TYPES[grant].is_confidential for grant in grants)
        assert not needs_secret(client)
    if client["subject_type"] == "pairwise" and client.get("redirect_uris"):
        assert sector_host(client)
    assert not {"jwks", "jwks_uri"} <= client.keys()
    assert not any(value is None or value == "" for value in client.values())
    assert secret_octets(client) >= 32
    assert "admin" not in client.get("scope", "").split(" ")


@given(documents, offers, st.randoms(use_true_random=False))
def test_the_order_of_members_decides_nothing(document, offer, shuffler):
    """JSON objects have none; two proxies may deliver the same document differently."""
    pairs = list(document.items())
    shuffler.shuffle(pairs)

    result, problems = judged(document, offer)
    shuffled, wrong = judged(dict(pairs), offer)

    assert sorted(problems, key=repr) == sorted(wrong, key=repr)
    assert [problem.field for problem in problems[:1]] == [problem.field for problem in wrong[:1]]
    assert result.metadata == shuffled.metadata


@given(documents, offers, st.sampled_from(FIELDS))
def test_null_means_what_leaving_out_means(document, offer, field):
    """Skipping a check by null was a flaw of several servers."""
    without = {name: value for name, value in document.items() if name != field.name}

    omitted, problems = judged(without, offer)
    nulled, wrong = judged({**without, field.name: None}, offer)

    assert problems == wrong
    assert omitted.metadata == nulled.metadata


@given(documents, offers, st.text(max_size=8), json_values)
def test_a_member_nobody_knows_changes_nothing(document, offer, name, value):
    """Whatever it holds (RFC 7591 §2)."""
    unknown = f"x_{name}"

    result, problems = judged(document, offer)
    more, wrong = judged({**document, unknown: value}, offer)

    assert problems == wrong
    assert result.metadata == more.metadata


@given(documents, offers)
def test_judging_leaves_the_document_alone(document, offer):
    """The request is kept for the record as it came."""
    before = json.dumps(document)

    judged(document, offer)

    assert before == json.dumps(document)


@given(documents, st.sampled_from(OFFERS[:3]), st.lists(st.sampled_from([*GRANT_TYPES])))
def test_a_ceiling_never_gives_more(document, offer, grants):
    """A policy of the door can only take away."""
    result, problems = judged(document, offer.within(grant_types=grants, scopes=("openid",)))
    if problems:
        return

    assert set(result.metadata["grant_types"]) <= set(grants)
    assert result.metadata.get("scope", "openid") == "openid"
