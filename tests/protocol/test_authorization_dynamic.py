"""``/authorize`` for OpenID certification: tokens in front, signed answers, request objects."""

import json
from base64 import urlsafe_b64decode

import pytest
from anyio import to_thread
from joserfc import jwe
from joserfc.jwk import ECKey

from registrary.core.base64url import encode
from registrary.core.jose import ClaimRules, sign_jwt, verify_jwt
from registrary.core.jose.hashes import left_half_hash
from registrary.testing.clock import MOMENT
from registrary.testing.hostile import HostileServer
from tests.protocol.kit import URI
from tests.protocol.people import authorize_path
from tests.unit.authserver.kit import a_key_pair

ALL_TYPES = [
    "code",
    "id_token",
    "id_token token",
    "code id_token",
    "code token",
    "code id_token token",
]
GRANTS = ["authorization_code", "implicit", "refresh_token"]
NO_PKCE = {"code_challenge": None, "code_challenge_method": None}
ALGORITHMS = ["RS256", "ES256", "EdDSA"]


def register(line, **members):
    """Register a client for every response type."""
    document = {"redirect_uris": [URI], "response_types": ALL_TYPES, "grant_types": GRANTS}
    answer = line.post("/register", json=document | members)
    assert 201 == answer.status_code, answer.text
    return answer.json()


def claims_of(line, token, *, types=frozenset({"jwt"})):
    """Return the claims of *token*, which the issuer signed."""
    jwks = line.get("/jwks").json()
    exp = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))["exp"]
    now = MOMENT.fromtimestamp(exp - 1, MOMENT.tzinfo)
    rules = ClaimRules(types=types)
    return verify_jwt(token, jwks, algorithms=ALGORITHMS, rules=rules, now=now).members


@pytest.mark.parametrize("response_type", ALL_TYPES)
@pytest.mark.parametrize("mode", [None, "form_post"], ids=str)
@pytest.mark.spec("C-040", "AZ-050", "AZ-051")
def test_every_response_type_brings_what_it_names(browser, line, response_type, mode):
    """Certification as a dynamic provider demands them all (Core §15.2)."""
    client = register(line)

    back = browser.go_through(
        authorize_path(client, response_type=response_type, response_mode=mode, **NO_PKCE)
    )

    brought = back.result
    words = set(response_type.split())
    assert words == {"code", "id_token", "token"} & {
        "token" if name == "access_token" else name for name in brought
    }
    assert ("a-state", browser.url) == (brought["state"], brought["iss"])
    if mode is None:
        assert back.location.startswith(URI + ("?" if words == {"code"} else "#"))
    if "token" in words:
        assert ("Bearer", "openid") == (brought["token_type"], brought["scope"])


def test_an_id_token_vouches_for_what_is_beside_it(browser, line):
    """A code or token that was swapped does not fit it (Core §3.3.2.11)."""
    client = register(line)

    path = authorize_path(client, response_type="code id_token token", **NO_PKCE)
    brought = browser.go_through(path).result

    claims = claims_of(line, brought["id_token"])
    assert {
        "nonce": "a-nonce",
        "aud": client["client_id"],
        "at_hash": left_half_hash(brought["access_token"], alg="RS256"),
        "c_hash": left_half_hash(brought["code"], alg="RS256"),
        "s_hash": left_half_hash("a-state", alg="RS256"),
    }.items() <= claims.items()


def test_a_token_from_the_front_channel_is_good_and_ends_with_its_client(browser, line):
    """It has a grant like any other, so that it can be ended."""
    client = register(line)
    path = authorize_path(client, response_type="id_token token", **NO_PKCE)
    token = browser.go_through(path).result["access_token"]
    header = {"authorization": f"Bearer {token}"}

    before = line.get("/userinfo", headers=header)
    own = {"authorization": f"Bearer {client['registration_access_token']}"}
    line.delete(f"/register/{client['client_id']}", headers=own)
    after = line.get("/userinfo", headers=header)

    assert [200, 401] == [before.status_code, after.status_code]


@pytest.mark.spec("C-042")
def test_a_confidential_client_may_go_without_pkce_and_a_public_one_may_not(browser, line):
    """The suite's clients send none; native ones everywhere do."""
    confidential = register(line)
    public = register(
        line, token_endpoint_auth_method="none", response_types=["code"], grant_types=GRANTS[:1]
    )

    brought = browser.go_through(authorize_path(confidential, **NO_PKCE)).result
    refused = browser.open(authorize_path(public, **NO_PKCE)).result

    assert "code" in brought
    assert "invalid_request" == refused["error"]


@pytest.mark.parametrize(
    ("changes", "mark"),
    [({"scope": "unheard_of"}, "?"), ({"response_type": "id_token", "nonce": None}, "#")],
    ids=str,
)
def test_errors_lead_back_to_anybody(browser, line, changes, mark):
    """The suite waits for them, and takes no page for an answer."""
    back = browser.open(authorize_path(register(line), **changes))

    assert back.location.startswith(URI + mark)
    assert {"error", "error_description", "state", "iss"} == set(back.result)


@pytest.mark.parametrize("mode", ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"])
@pytest.mark.spec("E-071", "J-054", "AZ-053")
def test_an_answer_can_be_signed(browser, line, mode):
    """Nobody on the way alters it, and the client knows whose it is (JARM §2.1)."""
    client = register(line, authorization_signed_response_alg="ES256")

    back = browser.go_through(authorize_path(client, response_mode=mode))

    assert {"response"} == set(back.result)
    claims = claims_of(line, back.result["response"])
    assert (browser.url, client["client_id"], "a-state") == (
        claims["iss"],
        claims["aud"],
        claims["state"],
    )
    assert claims["code"].startswith("rgy_ac_")
    assert {"iss", "aud", "exp"} <= set(claims)


def test_a_signed_answer_can_be_encrypted(browser, line):
    """Nobody on the way reads it either (JARM §2.2)."""
    key = ECKey.generate_key("P-256", {"use": "enc", "alg": "ECDH-ES", "kid": "one"})
    client = register(
        line,
        jwks={"keys": [key.as_dict(private=False)]},
        authorization_encrypted_response_alg="ECDH-ES",
    )

    back = browser.go_through(authorize_path(client, response_mode="jwt"))

    hidden = jwe.decrypt_compact(back.result["response"], key)
    assert hidden.plaintext is not None
    assert "a-state" == claims_of(line, hidden.plaintext.decode())["state"]


def test_a_signed_error_is_signed(browser, line):
    """An unsigned one would be anybody's."""
    client = register(line)

    back = browser.open(authorize_path(client, response_mode="jwt", scope="unheard_of"))

    assert "invalid_scope" == claims_of(line, back.result["response"])["error"]


@pytest.mark.parametrize("mode", ["query", "query.jwt"])
@pytest.mark.spec("AZ-050")
def test_tokens_never_go_into_a_query(browser, line, mode):
    """Addresses end in logs (threat 23: one matcher and one rule for every mode)."""
    path = authorize_path(register(line), response_type="id_token", response_mode=mode)

    back = browser.open(path)

    assert back.location.startswith(f"{URI}#error=invalid_request&")


@pytest.mark.parametrize("mode", ["form_post.jwt", "form_post", "fragment.jwt", "query.jwt"])
def test_no_response_mode_leads_to_another_address(browser, line, mode):
    """CVE-2023-6927: a mode with a check of its own forgot it."""
    path = authorize_path(
        register(line), response_mode=mode, redirect_uri="https://evil.example/cb"
    )

    page = browser.open(path)

    assert 400 == page.status
    assert "evil.example" not in page.text
    assert "location" not in page.answer.headers


# --- Request objects -----------------------------------------------------------------------------


def unsigned(claims):
    """Return a request object that nobody signed."""
    parts = [{"alg": "none"}, claims]
    return ".".join(encode(json.dumps(part).encode()) for part in parts) + "."


def object_of(client, url, **claims):
    """Return what a request object of *client* says."""
    return {
        "iss": client["client_id"],
        "aud": url,
        "client_id": client["client_id"],
        "response_type": "code",
        "redirect_uri": URI,
        "scope": "openid",
        "state": "inside",
    } | claims


@pytest.mark.spec("E-030", "AZ-070")
def test_a_signed_request_counts_and_not_what_stands_beside_it(browser, line):
    """What a client signed nobody altered (RFC 9101 §6.3)."""
    handle, jwks = a_key_pair()
    client = register(line, jwks=jwks, request_object_signing_alg="ES256")
    signed = sign_jwt(object_of(client, browser.url), handle)

    back = browser.go_through(
        authorize_path(client, request=signed, state="beside", scope="openid", **NO_PKCE)
    )

    assert "inside" == back.result["state"]


def test_the_redirect_uri_of_the_object_wins(browser, line):
    """oidcc-ensure-request-object-with-redirect-uri: the one beside it is not even looked at."""
    client = register(line)
    inside = unsigned(object_of(client, browser.url))

    path = authorize_path(client, request=inside, redirect_uri="https://other.example/", **NO_PKCE)
    back = browser.go_through(path)

    assert back.location.startswith(f"{URI}?code=")


@pytest.mark.parametrize(
    ("members", "changes"),
    [
        ({}, {"iss": "somebody-else"}),
        ({}, {"client_id": "somebody-else"}),
        ({}, {"aud": "https://other.example"}),
        ({}, {"exp": 1_000_000_000}),
        ({}, {"request": "a.b.c"}),
        ({}, {"request_uri": "https://app.example/r"}),
        ({"request_object_signing_alg": "RS256"}, {}),
        ({"require_signed_request_object": True, "request_object_signing_alg": None}, None),
    ],
    ids=str,
)
@pytest.mark.spec("C-015", "E-031", "AZ-071")
def test_an_object_that_is_not_the_clients_word_is_refused(browser, line, members, changes):
    """Made for another server, by somebody else, too old, or signed otherwise than registered."""
    handle, jwks = a_key_pair()
    wanted = {"jwks": jwks} | {name: value for name, value in members.items() if value is not None}
    client = register(line, **wanted)
    inside = object_of(client, browser.url, **(changes or {}))
    text = unsigned(inside) if changes is None else sign_jwt(inside, handle)

    back = browser.open(authorize_path(client, request=text, **NO_PKCE))

    assert back.result["error"] in {"invalid_request_object", "invalid_request_uri"}


@pytest.mark.parametrize("enc", ["A128CBC-HS256", "A256GCM"])
@pytest.mark.spec("C-016", "AZ-073")
def test_an_object_can_be_encrypted_to_us(browser, line, enc):
    """What a client asks is nobody's business on the way (Core §6.1)."""
    handle, jwks = a_key_pair()
    client = register(line, jwks=jwks, request_object_encryption_alg="ECDH-ES")
    signed = sign_jwt(object_of(client, browser.url), handle)
    keys = line.get("/jwks").json()
    key = next(key for key in keys["keys"] if key["use"] == "enc")

    hidden = jwe.encrypt_compact(
        {"alg": "ECDH-ES", "enc": enc, "kid": key["kid"], "cty": "JWT"},
        signed,
        ECKey.import_key(key),
    )
    back = browser.go_through(authorize_path(client, request=hidden, **NO_PKCE))
    spoilt = browser.open(authorize_path(client, request=hidden[:-4] + "AAAA", **NO_PKCE))

    assert "inside" == back.result["state"]
    assert "invalid_request_object" == spoilt.result["error"]


@pytest.mark.anyio
@pytest.mark.spec("C-023", "AZ-072")
async def test_an_object_is_fetched_where_the_client_registered_it(browser, line):
    """And nowhere else, whoever asks (CVE-2020-10770)."""
    async with HostileServer() as host:
        address = host.url("/request.jwt")
        client = await to_thread.run_sync(lambda: register(line, request_uris=[address]))
        inside = unsigned(object_of(client, browser.url))
        host.publish("/request.jwt", inside.encode(), media_type="application/jwt")
        host.publish("/other.jwt", inside.encode(), media_type="application/jwt")

        good = authorize_path(client, request_uri=address, **NO_PKCE)
        other = authorize_path(client, request_uri=host.url("/other.jwt"), **NO_PKCE)
        back = await to_thread.run_sync(browser.go_through, good)
        refused = await to_thread.run_sync(browser.open, other)

        assert "inside" == back.result["state"]
        assert "invalid_request_uri" == refused.result["error"]
        assert 0 == host.count("/other.jwt")


@pytest.mark.anyio
async def test_a_document_that_cannot_be_used_is_told_in_one_way(browser, line):
    """What differs would map the network for strangers."""
    async with HostileServer() as host:
        address = host.url("/request.jwt")
        client = await to_thread.run_sync(lambda: register(line, request_uris=[address]))

        path = authorize_path(client, request_uri=address, **NO_PKCE)
        back = await to_thread.run_sync(browser.open, path)

        assert "request_uri: the document could not be used" == back.result["error_description"]
