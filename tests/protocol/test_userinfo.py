"""What a client learns of a person over HTTP, and who does not (OpenID Connect Core §5.3)."""

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import KeySet, RSAKey

from tests.protocol.flows import EVERYTHING, PUBLIC, Proofs, an_app, claims_of
from tests.protocol.kit import bearer, error_of
from tests.protocol.people import Browser


@pytest.fixture(scope="module")
def browser(server):
    """Return a browser."""
    with Browser(server.url) as browser:
        yield browser


@pytest.fixture(scope="module")
def app(http):
    """Return a confidential client."""
    return an_app(http)


@pytest.mark.spec("G-040")
def test_claims_follow_the_scope(browser, app):
    """A client learns what the person allowed, and not one claim more."""
    few = app.userinfo(app.sign_in(browser, scope="openid email")["access_token"]).json()
    all_of_them = app.userinfo(app.sign_in(browser, scope=EVERYTHING)["access_token"]).json()

    assert {"sub", "email", "email_verified"} == set(few)
    assert {"name", "address", "phone_number", "email", "birthdate"} <= set(all_of_them)
    assert few["sub"] == all_of_them["sub"]


@pytest.mark.spec("C-010", "G-047")
def test_a_pairwise_subject_is_one_sectors_own(browser, http):
    """Core §8.1: two companies cannot find out that they know the same person."""
    pairwise = {"subject_type": "pairwise"}
    one = an_app(http, **pairwise)
    same = an_app(http, **pairwise, redirect_uris=["https://app.example/other"])
    other = an_app(http, **pairwise, redirect_uris=["https://elsewhere.example/cb"])

    tokens = [app.sign_in(browser) for app in (one, same, other, an_app(http))]

    subjects = [claims_of(each["id_token"])["sub"] for each in tokens]
    told = [one.userinfo(each["access_token"]).json()["sub"] for each in tokens]
    own = one.ask("/introspect", token=tokens[0]["access_token"]).json()
    assert subjects == told
    assert subjects[0] == subjects[1] == own["sub"]
    assert 3 == len(set(subjects))


@pytest.mark.spec("G-041")
def test_every_way_to_present_a_token_that_is_allowed(browser, app):
    """Core §5.3.1: GET and POST, in the header; POST, in the body; never in the query."""
    tokens = app.sign_in(browser)
    header = bearer(tokens["access_token"])

    answers = [
        app.http.get("/userinfo", headers=header),
        app.http.post("/userinfo", headers=header),
        app.http.post("/userinfo", data={"access_token": tokens["access_token"]}),
        app.http.get("/userinfo", params={"access_token": tokens["access_token"]}),
        app.http.post("/userinfo", headers=header, data={"access_token": tokens["access_token"]}),
    ]

    assert [200, 200, 200, 401, 400] == [answer.status_code for answer in answers]
    assert 1 == len({answer.content for answer in answers[:3]})


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (401, "invalid_token")),
        (bearer("nonsense"), (401, "invalid_token")),
        ({"authorization": "Bearer"}, (400, "invalid_request")),
        ({"authorization": "Bearer a b"}, (400, "invalid_request")),
        ({"authorization": "Basic YTpi"}, (401, "invalid_token")),
    ],
    ids=["none", "nonsense", "empty", "two", "other-scheme"],
)
@pytest.mark.spec("G-042")
def test_without_a_good_token_there_is_nothing(http, headers, expected):
    """RFC 6750 §3: a challenge says what is wanted, and browsers may read it."""
    answer = http.get("/userinfo", headers=headers)

    assert expected == error_of(answer)
    assert "*" == answer.headers["access-control-allow-origin"]
    if answer.status_code == 401:
        challenges = answer.headers.get_list("www-authenticate")
        assert ["Bearer", "DPoP"] == [text.split(" ")[0] for text in challenges]


@pytest.mark.spec("G-042")
def test_a_token_without_openid_opens_nothing(browser, app):
    """RFC 6750 §3.1: the token is good, but not for this."""
    tokens = app.sign_in(browser, scope="read")

    answer = app.userinfo(tokens["access_token"])

    assert (403, "insufficient_scope") == error_of(answer)


@pytest.mark.spec("G-043")
def test_a_revoked_token_opens_nothing(browser, app):
    """Core §5.3 asks for a live token; the end of one arrives at once."""
    tokens = app.sign_in(browser)
    app.ask("/revoke", token=tokens["access_token"])
    others = app.sign_in(browser)
    app.ask("/revoke", token=others["refresh_token"])

    found = [app.userinfo(one["access_token"]) for one in (tokens, others)]

    assert [(401, "invalid_token")] * 2 == [error_of(answer) for answer in found]


@pytest.mark.spec("C-014", "G-044")
def test_a_client_that_wants_a_signature_gets_one(browser, http):
    """Who passes the claims on can prove where they are from."""
    app = an_app(http, userinfo_signed_response_alg="ES256")
    tokens = app.sign_in(browser)

    answer = app.userinfo(tokens["access_token"])

    keys = KeySet.import_key_set(http.get("/jwks").json())
    claims = jwt.decode(answer.text, keys, algorithms=["ES256"]).claims
    assert "application/jwt" == answer.headers["content-type"]
    assert (app.url, app.body["client_id"]) == (claims["iss"], claims["aud"])


@pytest.mark.spec("C-013", "C-014", "G-045")
def test_a_client_that_wants_encryption_gets_it(browser, http):
    """Neither a log nor a proxy in the middle learns who somebody is."""
    key = RSAKey.generate_key(2048, {"use": "enc", "kid": "enc-1"})
    app = an_app(
        http,
        jwks={"keys": [key.as_dict(private=False)]},
        id_token_encrypted_response_alg="RSA-OAEP-256",
        userinfo_encrypted_response_alg="RSA-OAEP-256",
        userinfo_encrypted_response_enc="A256GCM",
    )
    tokens = app.sign_in(browser, scope="openid email")
    answer = app.userinfo(tokens["access_token"])

    algorithms = ["RSA-OAEP-256", "A128CBC-HS256", "A256GCM"]
    inner = jwe.decrypt_compact(tokens["id_token"], key, algorithms=algorithms)
    told = jwe.decrypt_compact(answer.text, key, algorithms=algorithms)
    assert "A128CBC-HS256" == inner.headers()["enc"]
    assert app.body["client_id"] == claims_of((inner.plaintext or b"").decode())["aud"]
    assert b'"email"' in (told.plaintext or b"")


@pytest.mark.spec("G-046")
def test_a_bound_token_is_no_use_without_its_key(browser, http):
    """RFC 9449 §7.2: who stole a bound token must not get by with calling it a bearer token."""
    app, proofs, thief = an_app(http, **PUBLIC), Proofs(), Proofs()
    url = f"{app.url}/token"
    headers = {"dpop": proofs.prove("POST", url)}
    token = app.redeem(app.code(browser), headers=headers).json()["access_token"]
    at, dpop = f"{app.url}/userinfo", {"authorization": f"DPoP {token}"}

    own = proofs.prove("GET", at, token=token)
    answers = [
        http.get("/userinfo", headers=dpop | {"dpop": own}),
        http.get("/userinfo", headers=dpop | {"dpop": own}),
        http.get("/userinfo", headers=dpop | {"dpop": proofs.prove("GET", at)}),
        http.get("/userinfo", headers=dpop | {"dpop": thief.prove("GET", at, token=token)}),
        http.get("/userinfo", headers=dpop),
        app.userinfo(token),
        app.userinfo(token, dpop=proofs.prove("GET", at, token=token)),
    ]

    assert [200, 401, 401, 401, 401, 401, 401] == [answer.status_code for answer in answers]
    assert "invalid_dpop_proof" == answers[1].json()["error"]
