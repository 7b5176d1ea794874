"""`oidcc-dynamic-certification-test-plan`, once for each response type that it has modules for."""

import time

import pytest

from tests.conformance.discovery import check_discovery, check_dynamic_discovery
from tests.conformance.judge import (
    VISIBLE,
    check_error,
    check_json,
    check_standard_claims,
    header_of,
    verified,
)
from tests.conformance.operating import renew_signing_key
from tests.conformance.pages import (
    check_error_page,
    pictures_of,
    unsigned_object,
)
from tests.conformance.suite import CALLBACK, new_key, public

CODE = ["code", "code id_token", "code token", "code id_token token"]
IMPLICIT = ["id_token", "id_token token"]
EVERY = pytest.mark.parametrize("response_type", [*CODE, *IMPLICIT])
WITH_CODE = pytest.mark.parametrize("response_type", CODE)
WITH_ACCESS_TOKEN = pytest.mark.parametrize("response_type", [*CODE, "id_token token"])
WITHOUT_FRONT_ID_TOKEN = pytest.mark.parametrize("response_type", ["code", "code token"])

OFFLINE = "openid offline_access"


@EVERY
@pytest.mark.spec("F-020")
def test_oidcc_idtoken_rs256(suite, browser, response_type):
    """Who registers RS256 gets RS256."""
    party = suite.register(response_type, id_token_signed_response_alg="RS256")

    done = party.sign_in(browser)

    assert "RS256" == header_of(done.id_token)["alg"]


@WITHOUT_FRONT_ID_TOKEN
@pytest.mark.spec("F-021")
def test_oidcc_idtoken_unsigned(suite, browser, response_type):
    """Who gets ID tokens from the token endpoint alone may do without a signature."""
    party = suite.register(response_type, id_token_signed_response_alg="none")

    done = party.sign_in(browser)

    assert "none" in suite.metadata["id_token_signing_alg_values_supported"]
    assert {"alg": "none"}.items() <= header_of(done.id_token).items()


@WITH_ACCESS_TOKEN
@pytest.mark.spec("F-022")
def test_oidcc_userinfo_rs256(suite, browser, response_type):
    """A signed answer says whose it is and for whom, and is no ID token."""
    party = suite.register(response_type, userinfo_signed_response_alg="RS256")
    done = party.sign_in(browser)

    answer = party.userinfo(done.access_token)

    claims = verified(answer.text, suite.keys(), alg="RS256")
    check_standard_claims(claims)
    assert "RS256" in suite.metadata["userinfo_signing_alg_values_supported"]
    assert "application/jwt" == answer.headers["content-type"].partition(";")[0]
    assert {
        "iss": suite.issuer,
        "aud": party.client["client_id"],
        "sub": done.claims["sub"],
    }.items() <= claims.items()
    assert "nonce" not in claims


@EVERY
@pytest.mark.spec("F-023")
def test_oidcc_ensure_redirect_uri_in_authorization_request(suite, browser, response_type):
    """Of two addresses none is chosen for the client."""
    party = suite.register(response_type, redirect_uris=[CALLBACK, "https://example.org/redirect"])

    shown = browser.open(party.address(party.request(redirect_uri=None)))

    check_error_page(shown)


@EVERY
@pytest.mark.spec("F-024")
def test_oidcc_redirect_uri_query_ok(suite, browser, response_type):
    """A query that was registered stays, in front of the answer."""
    uri = f"{CALLBACK}?bar=foo"
    party = suite.register(response_type, redirect_uris=[uri])

    done = party.sign_in(browser)

    assert uri == done.request["redirect_uri"]


@EVERY
@pytest.mark.spec("F-025")
def test_oidcc_redirect_uri_query_mismatch(suite, browser, response_type):
    """Another value in the query is another address."""
    party = suite.register(response_type, redirect_uris=[f"{CALLBACK}?bar=foo"])

    shown = browser.open(party.address(party.request(redirect_uri=f"{CALLBACK}?bar=baz")))

    check_error_page(shown)


@EVERY
@pytest.mark.spec("F-026")
def test_oidcc_redirect_uri_query_added(suite, browser, response_type):
    """So is one with a query that nobody registered."""
    party = suite.register(response_type)

    shown = browser.open(party.address(party.request(redirect_uri=f"{CALLBACK}?foo=bar")))

    check_error_page(shown)


@EVERY
@pytest.mark.spec("F-013", "F-027")
def test_oidcc_redirect_uri_regfrag(suite, response_type):
    """A fragment has its own use on the way back."""
    wish = suite.wish(response_type, redirect_uris=[f"{CALLBACK}#foobar"])

    answer = suite.post(wish)

    assert "invalid_redirect_uri" == check_json(answer, 400)["error"]


@pytest.mark.spec("F-028")
def test_oidcc_discovery_endpoint_verification(suite):
    """A client that knows the issuer alone finds all that a dynamic provider owes."""
    metadata = suite.metadata

    check_discovery(suite, metadata)
    check_dynamic_discovery(metadata)


@EVERY
@pytest.mark.spec("F-010", "F-011", "F-012", "F-029")
def test_oidcc_server(suite, browser, response_type):
    """A client that registers may go on at once."""
    party = suite.register(response_type)

    done = party.sign_in(browser)

    assert done.claims["sub"]


@EVERY
@pytest.mark.spec("F-030")
def test_oidcc_registration_logo_uri(suite, browser, response_type):
    """People recognise the application, by a picture that comes from this server."""
    logo = suite.documents.publish_picture(suite.documents.address("images/openid.png"))
    party = suite.register(response_type, logo_uri=logo)

    shown = browser.open(party.address(party.request()))

    (picture,) = pictures_of(shown)
    answer = browser.open(picture).answer
    assert shown.asks_to_sign_in
    assert (200, "image/png") == (answer.status_code, answer.headers["content-type"])


@EVERY
@pytest.mark.spec("F-031")
def test_oidcc_registration_policy_uri(suite, browser, response_type):
    """People find what becomes of what the application learns of them."""
    policy = suite.documents.address("login.html")
    party = suite.register(response_type, policy_uri=policy)

    shown = browser.open(party.address(party.request()))

    assert shown.asks_to_sign_in
    assert policy in shown.links


@EVERY
@pytest.mark.spec("F-032")
def test_oidcc_registration_tos_uri(suite, browser, response_type):
    """The terms may stand at another host than the application."""
    party = suite.register(response_type, tos_uri="https://openid.net")

    shown = browser.open(party.address(party.request()))

    assert shown.asks_to_sign_in
    assert "https://openid.net" in shown.links


@EVERY
@pytest.mark.spec("F-033")
def test_oidcc_registration_jwks_uri(suite, browser, response_type):
    """A client publishes its keys and proves itself by them."""
    key = new_key("published")
    address = suite.documents.publish(suite.documents.address("client1_jwks"), public(key))
    party = suite.register(response_type, key=key, jwks=None, jwks_uri=address)

    done = party.sign_in(browser)

    assert done.claims["sub"]


@EVERY
@pytest.mark.spec("F-034")
def test_oidcc_registration_sector_uri(suite, response_type):
    """Who lists the redirect URI may know people by the names of the sector."""
    documents = suite.documents
    address = documents.publish(documents.address("redirect_uris.json"), [CALLBACK])

    party = suite.register(response_type, subject_type="pairwise", sector_identifier_uri=address)

    assert "pairwise" in suite.metadata["subject_types_supported"]
    assert address == party.client["sector_identifier_uri"]


@EVERY
@pytest.mark.spec("F-013", "F-035")
def test_oidcc_registration_sector_bad(suite, response_type):
    """Nobody joins the sector of somebody else."""
    documents = suite.documents
    others = documents.publish(documents.address("redirect_uris.json"), ["https://example.com/op"])
    wish = suite.wish(response_type, subject_type="pairwise", sector_identifier_uri=others)

    answer = suite.post(wish)

    assert "invalid_client_metadata" == check_json(answer, 400)["error"]


@pytest.mark.spec("F-036")
def test_oidcc_server_rotate_keys(suite, browser):
    """New keys are there before they sign, old ones as long as somebody may need them."""
    before = {key["kid"]: key for key in suite.keys()["keys"]}

    renew_signing_key(suite, "RS256")

    keys = suite.keys()["keys"]
    new = [key for key in keys if key["kid"] not in before]
    assert [("sig", "RSA")] == [(key["use"], key["kty"]) for key in new]
    assert new[0]["n"] not in {key.get("n") for key in before.values()}
    assert len(keys) == len({key["kid"] for key in keys})
    assert before == {key["kid"]: key for key in keys if key["kid"] in before}
    assert suite.register().sign_in(browser).claims["sub"]


@WITH_CODE
@pytest.mark.spec("F-037")
def test_oidcc_refresh_token_rp_key_rotation(suite, browser, response_type):
    """A client that changes its key is known by the new one at once: its ``kid`` is new."""
    address = suite.documents.address("client1_jwks")
    old, new = new_key("old"), new_key("new")
    suite.documents.publish(address, public(old))
    party = refreshing(suite, response_type, key=old, jwks=None, jwks_uri=address)
    done = party.sign_in(browser, prompt="consent")
    suite.documents.publish(address, public(new))
    party.key = new

    refreshed = refresh(party, done, scope=OFFLINE)

    assert party.userinfo(refreshed["access_token"])


@EVERY
@pytest.mark.spec("F-038")
def test_oidcc_request_uri_unsigned(suite, browser, response_type):
    """A request may lie where the client registered it."""
    address = request_uri(suite)
    party = suite.register(response_type, request_uris=[address])
    request = party.request()
    suite.documents.publish_text(
        address, unsigned_object(request), media_type="application/oauth-authz-req+jwt"
    )

    shown = browser.go_through(party.address(outside(request) | {"request_uri": address}))

    assert "none" in suite.metadata["request_object_signing_alg_values_supported"]
    assert party.finish(request, shown).claims["sub"]


@EVERY
@pytest.mark.spec("F-039")
def test_oidcc_request_uri_signed_rs256(suite, browser, response_type):
    """And be signed, which is the least a dynamic provider must take."""
    address = request_uri(suite)
    party = suite.register(
        response_type, request_uris=[address], request_object_signing_alg="RS256"
    )
    request = party.request()
    signed = party.signed({**request, "aud": suite.issuer, "iss": party.client["client_id"]})
    suite.documents.publish_text(address, signed, media_type="application/oauth-authz-req+jwt")

    shown = browser.go_through(party.address(outside(request) | {"request_uri": address}))

    assert suite.metadata["request_uri_parameter_supported"]
    assert "RS256" in suite.metadata["request_object_signing_alg_values_supported"]
    assert party.finish(request, shown).claims["sub"]


@EVERY
@pytest.mark.spec("F-040")
def test_oidcc_ensure_request_object_with_redirect_uri(suite, browser, response_type):
    """The object's redirect URI counts, and what stands beside it leads nowhere."""
    party = suite.register(response_type)
    request = party.request()
    beside = {"request": unsigned_object(request), "redirect_uri": f"{CALLBACK}_invalid"}

    shown = browser.go_through(party.address(outside(request) | beside))

    assert party.finish(request, shown).claims["sub"]


@WITH_CODE
@pytest.mark.spec("F-041")
def test_oidcc_refresh_token(suite, browser, response_type):
    """A refresh token is good again and again, for its client alone."""
    first, second = refreshing(suite, response_type), refreshing(suite, response_type)
    done = first.sign_in(browser, prompt="consent")
    first.userinfo(refresh(first, done, scope=OFFLINE)["access_token"])
    other = second.sign_in(browser, prompt="consent", nonce="n" * 43)
    token = refresh(second, other).get("refresh_token", other.tokens["refresh_token"])

    answer = first.refresh(token)

    check_error(answer, "invalid_grant")


@WITH_CODE
@pytest.mark.spec("F-042")
def test_oidcc_ensure_client_assertion_with_iss_aud_succeeds(suite, browser, response_type):
    """An assertion may be meant for the issuer (RFC 7523 §3)."""
    party = suite.register(response_type)
    request = party.request()
    done = party.front(request, browser.go_through(party.address(request)))

    answer = party.redeem(done.fields["code"], request, audience=suite.issuer)

    assert party.id_token(party.tokens(answer)["id_token"], request)["sub"]


def refreshing(suite, response_type, **members):
    """Register a client that may refresh and ask for offline access."""
    grants = [*suite.wish(response_type)["grant_types"], "refresh_token"]
    party = suite.register(response_type, grant_types=grants, **members)
    party.scope = OFFLINE
    return party


def refresh(party, done, **form):
    """Refresh the tokens of *done* in another second, and judge the ID token that comes of it."""
    assert "refresh_token" in party.suite.metadata["grant_types_supported"]
    assert VISIBLE.fullmatch(done.tokens["refresh_token"])
    while int(time.time()) <= done.back["iat"]:
        time.sleep(0.05)
    tokens = party.tokens(party.refresh(done.tokens["refresh_token"], **form))
    # Core §12.2: who signed in, and when, is as it was; the token is of now.
    claims = verified(tokens["id_token"], party.suite.keys(), alg="RS256")
    same = ("iss", "sub", "aud", "auth_time", "azp")
    assert [done.back.get(name) for name in same] == [claims.get(name) for name in same]
    assert done.back["iat"] < claims["iat"]
    return tokens


def request_uri(suite):
    """Return a new address for a request; its fragment is a digest of something else."""
    return suite.documents.address("requesturi") + "#" + "x" * 43


def outside(request):
    """Return what stands beside a request object (Core §6.1, §6.2)."""
    names = ("client_id", "response_type", "scope", "redirect_uri")
    return {name: request[name] for name in names}
