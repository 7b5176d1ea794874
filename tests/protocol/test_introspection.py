"""What tokens are worth, told over HTTP to those they concern (RFC 7662, RFC 7009, RFC 9701)."""

import pytest
from joserfc import jwe, jwt
from joserfc.jwk import KeySet, RSAKey

from tests.protocol.flows import PUBLIC, an_app
from tests.protocol.kit import SERVICE, error_of
from tests.protocol.people import Browser

JWT_ANSWER = {"accept": "application/token-introspection+jwt"}


@pytest.fixture(scope="module")
def browser(server):
    """Return a browser."""
    with Browser(server.url) as browser:
        yield browser


@pytest.fixture(scope="module")
def app(http):
    """Return a confidential client."""
    return an_app(http)


@pytest.mark.spec("G-060")
def test_a_clients_own_tokens(browser, app):
    """A client may ask whether what it holds is still good, and for what."""
    tokens = app.sign_in(browser, scope="openid read")

    access = app.ask("/introspect", token=tokens["access_token"]).json()
    refresh = app.ask("/introspect", token=tokens["refresh_token"]).json()

    assert (True, "Bearer", "openid read") == (
        access["active"],
        access["token_type"],
        access["scope"],
    )
    assert (True, "openid read", access["sub"]) == (
        refresh["active"],
        refresh["scope"],
        refresh["sub"],
    )
    assert "token_type" not in refresh


@pytest.mark.spec("G-060")
def test_anothers_tokens_look_like_none(browser, app, http):
    """RFC 7662 §4: nobody fishes for tokens here, or learns whose they are."""
    tokens, other = app.sign_in(browser), an_app(http, **SERVICE)

    found = [other.ask("/introspect", token=tokens[name]) for name in ("access_token", "id_token")]
    found.append(other.ask("/introspect", token=tokens["refresh_token"]))

    assert [{"active": False}] * 3 == [answer.json() for answer in found]


@pytest.mark.spec("G-061")
def test_the_end_of_a_refresh_token_is_the_end_of_all(browser, http):
    """RFC 7009 §2.1: who signs out means it."""
    app = an_app(http)
    tokens = app.sign_in(browser)

    answer = app.ask("/revoke", token=tokens["refresh_token"], token_type_hint="access_token")

    assert 200 == answer.status_code
    assert not app.is_active(tokens["access_token"])
    assert not app.is_active(tokens["refresh_token"])
    assert (400, "invalid_grant") == error_of(app.refresh(tokens["refresh_token"]))


@pytest.mark.spec("G-061")
def test_a_replaced_refresh_token_ends_all_too(browser, app, http):
    """A client that lost an answer signs out with what it has."""
    public = an_app(http, **PUBLIC)
    tokens = public.sign_in(browser)
    latest = public.refresh(tokens["refresh_token"]).json()

    public.ask("/revoke", token=tokens["refresh_token"])

    assert (400, "invalid_grant") == error_of(public.refresh(latest["refresh_token"]))
    assert 401 == app.userinfo(latest["access_token"]).status_code


@pytest.mark.spec("G-061")
def test_the_end_of_an_access_token_is_its_own(browser, app):
    """The refresh token goes on: a client may drop what it has just shown to somebody."""
    tokens = app.sign_in(browser)

    app.ask("/revoke", token=tokens["access_token"])

    assert not app.is_active(tokens["access_token"])
    assert 200 == app.refresh(tokens["refresh_token"]).status_code


@pytest.mark.spec("G-062")
def test_anothers_refresh_token_is_not_ended(browser, app, http):
    """A client that found a token must not be able to throw people out of another one."""
    tokens, other = app.sign_in(browser), an_app(http)

    answer = other.ask("/revoke", token=tokens["refresh_token"])

    assert (400, "invalid_grant") == error_of(answer)
    assert app.is_active(tokens["access_token"])


@pytest.mark.spec("E-070", "G-063", "J-050")
def test_a_signed_answer_is_for_its_caller(browser, app, http):
    """RFC 9701 §5: an answer that can be shown around says who asked."""
    tokens = app.sign_in(browser)

    answer = app.ask("/introspect", token=tokens["access_token"], headers=JWT_ANSWER)

    keys = KeySet.import_key_set(http.get("/jwks").json())
    read = jwt.decode(answer.text, keys, algorithms=["RS256"])
    assert JWT_ANSWER["accept"] == answer.headers["content-type"]
    assert "token-introspection+jwt" == read.header["typ"]
    assert (app.url, app.body["client_id"]) == (read.claims["iss"], read.claims["aud"])
    assert read.claims["token_introspection"]["active"]
    assert {"iss", "aud", "iat", "token_introspection"} == set(read.claims)


@pytest.mark.spec("E-070", "G-063")
def test_an_encrypted_answer_is_for_its_caller(browser, http):
    """What a token says may be nobody's business on the way."""
    key = RSAKey.generate_key(2048, {"use": "enc", "kid": "enc-1"})
    app = an_app(
        http,
        jwks={"keys": [key.as_dict(private=False)]},
        introspection_signed_response_alg="ES256",
        introspection_encrypted_response_alg="RSA-OAEP-256",
        introspection_encrypted_response_enc="A128GCM",
    )
    tokens = app.sign_in(browser)

    answer = app.ask("/introspect", token=tokens["access_token"], headers=JWT_ANSWER)

    inner = jwe.decrypt_compact(answer.text, key, algorithms=["RSA-OAEP-256", "A128GCM"])
    keys = KeySet.import_key_set(http.get("/jwks").json())
    read = jwt.decode((inner.plaintext or b"").decode(), keys, algorithms=["ES256"])
    assert read.claims["token_introspection"]["active"]
