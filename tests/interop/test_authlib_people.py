"""Authlib on requests, with people who sign in and consent."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from authlib.common.security import (  # type: ignore[import-untyped] # ships no types
    generate_token,
)
from authlib.integrations.requests_client import (  # type: ignore[import-untyped] # ships no types
    OAuth2Session,
    OAuthError,
)
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped] # ships no types
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.interop.people import Browser
from tests.interop.places import Place
from tests.interop.signing_in import HTTPS, LOOPBACK, SCOPE


class Application:
    """A client that registered, with Authlib's session for it, and the person who uses it."""

    def __init__(self, place: Place, method: str) -> None:
        address = f"{place.issuer}/.well-known/openid-configuration"
        self.server: dict[str, Any] = requests.get(address, timeout=20).json()
        self.redirect_uri = LOOPBACK if method == "none" else HTTPS
        document = {
            "client_name": "Interop",
            "redirect_uris": [self.redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": method,
            "scope": SCOPE,
        }
        answer = requests.post(self.server["registration_endpoint"], json=document, timeout=20)
        self.client: dict[str, Any] = answer.json()
        self.browser = Browser([place.issuer])
        self.session = OAuth2Session(
            self.client["client_id"],
            self.client.get("client_secret"),
            token_endpoint_auth_method=method,
            redirect_uri=self.redirect_uri,
            scope=SCOPE,
            code_challenge_method="S256",
        )

    def sign_in(self, nonce: str) -> dict[str, Any]:
        """Get tokens for what the person allows."""
        verifier = generate_token(48)
        url, state = self.session.create_authorization_url(
            self.server["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        arrival = self.browser.visit(url)
        tokens: dict[str, Any] = self.session.fetch_token(
            self.server["token_endpoint"],
            authorization_response=arrival.url,
            code_verifier=verifier,
            state=state,
        )
        return tokens

    def refresh(self, token: str) -> dict[str, Any]:
        """Get new tokens with the refresh token *token*."""
        endpoint = self.server["token_endpoint"]
        tokens: dict[str, Any] = self.session.refresh_token(endpoint, refresh_token=token)
        return tokens

    def userinfo(self) -> dict[str, Any]:
        """Ask who the person is, with the session's token."""
        claims: dict[str, Any] = self.session.get(self.server["userinfo_endpoint"]).json()
        return claims

    def judged(self, id_token: str, nonce: str) -> dict[str, Any]:
        """Return the claims of *id_token* once Authlib found them in order."""
        keys = KeySet.import_key_set(requests.get(self.server["jwks_uri"], timeout=20).json())
        decoded = jwt.decode(id_token, keys, algorithms=["RS256", "ES256"])
        client_id = self.client["client_id"]
        wanted = {"iss": {"value": self.server["issuer"]}, "aud": {"value": client_id}}
        params = {"nonce": nonce, "client_id": client_id}
        claims = CodeIDToken(decoded.claims, decoded.header, wanted, params)
        claims.validate()  # raises unless they are
        return dict(claims)


@pytest.fixture(params=["none", "client_secret_basic", "client_secret_post"])
def application(request: pytest.FixtureRequest, open_server: Place) -> Iterator[Application]:
    """Register a client, for each way of proving itself."""
    made = Application(open_server, request.param)
    with made.session:
        yield made
    made.browser.close()


def test_somebody_signs_in_and_stays_so(application: Application):
    """Code, PKCE, ID token, userinfo and refresh, as Python programs do it."""
    tokens = application.sign_in("n-0S6_WzA2Mj")

    claims = application.judged(tokens["id_token"], "n-0S6_WzA2Mj")
    before = application.userinfo()
    application.refresh(tokens["refresh_token"])
    after = application.userinfo()

    assert claims["sub"] == before["sub"]
    assert before == after


def test_a_revoked_token_is_told_by_its_code(application: Application):
    """Authlib hands ``invalid_grant`` on, so that the program can ask the person again."""
    tokens = application.sign_in("n-0S6_WzA2Mj")
    endpoint = application.server["revocation_endpoint"]
    application.session.revoke_token(endpoint, token=tokens["refresh_token"])

    with pytest.raises(OAuthError) as refused:
        application.refresh(tokens["refresh_token"])

    assert "invalid_grant" == refused.value.error
