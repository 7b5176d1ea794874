"""How tests of this folder get tokens: a client, a person who allows it, and what comes of that."""

import json
import time
import uuid
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.protocol.people import FORM, PKCE, Browser, authorize_path

EVERYTHING: Final = "openid profile email address phone offline_access read write"
PUBLIC: Final = {"token_endpoint_auth_method": "none"}
WITH_REFRESH: Final = {"grant_types": ["authorization_code", "refresh_token"]}


@dataclass
class Proofs:
    """A DPoP key, and the proofs made with it."""

    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))

    @property
    def jkt(self) -> str:
        """Return the thumbprint that tokens are bound to."""
        return str(self.key.thumbprint())

    def prove(self, method: str, url: str, *, token: str | None = None, **changes: Any) -> str:
        """Return a proof for one request; *changes* replace claims, None removes one."""
        claims: dict[str, Any] = {  # Any: claims are JSON values
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            "jti": str(uuid.uuid4()),
        }
        if token is not None:
            digest = sha256(token.encode()).digest()
            claims["ath"] = urlsafe_b64encode(digest).rstrip(b"=").decode()
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False)}
        return jwt.encode(header, claims, self.key, algorithms=["ES256"])


@dataclass(frozen=True)
class App:
    """A registered client, and how it calls the server at *url*."""

    http: httpx2.Client
    url: str
    body: dict[str, Any]  # Any: metadata values are JSON

    @property
    def is_public(self) -> bool:
        """Tell whether it has no secret."""
        return "client_secret" not in self.body

    def ask(
        self,
        path: str,
        *,
        headers: Any = None,  # Any: a form of texts may be passed by two stars
        **form: Any,
    ) -> httpx2.Response:
        """Post *form* to *path* as this client; a list is a repeated parameter."""
        own = {"client_id": self.body["client_id"]} if self.is_public else {}
        sent = FORM | (headers or {})
        if not self.is_public:
            pair = f"{self.body['client_id']}:{self.body['client_secret']}"
            sent["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        return self.http.post(path, content=urlencode(form | own, doseq=True), headers=sent)

    def code(self, browser: Browser, **request: str | None) -> str:
        """Return the code that somebody sends this client."""
        shown = browser.go_through(authorize_path(self.body, **request))
        return shown.result["code"]

    def redeem(self, code: str, **changes: Any) -> httpx2.Response:
        """Present *code*; None leaves a parameter out."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.body["redirect_uris"][0],
            "code_verifier": PKCE.verifier,
        } | changes
        kept = {name: value for name, value in form.items() if value is not None}
        return self.ask("/token", **kept)

    def sign_in(self, browser: Browser, **request: str | None) -> dict[str, Any]:
        """Return the tokens that come of somebody allowing *request*."""
        answer = self.redeem(self.code(browser, **request))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def refresh(self, token: str, **changes: Any) -> httpx2.Response:
        """Present a refresh token."""
        return self.ask("/token", grant_type="refresh_token", refresh_token=token, **changes)

    def is_active(self, token: str) -> bool:
        """Introspect *token* as the client itself."""
        answer = self.ask("/introspect", token=token)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["active"])

    def userinfo(self, token: str, **headers: str) -> httpx2.Response:
        """Ask about the person with *token*."""
        sent = {"authorization": f"Bearer {token}"} | headers
        return self.http.get("/userinfo", headers=sent)


def an_app(http: httpx2.Client, **members: Any) -> App:
    """Register a client that may ask for everything, and return it."""
    document = {"redirect_uris": ["https://app.example/cb"], "scope": EVERYTHING, **WITH_REFRESH}
    answer = http.post("/register", json=document | members)
    assert answer.status_code == 201, answer.text
    return App(http, str(http.base_url).rstrip("/"), answer.json())


def claims_of(token: str) -> dict[str, Any]:
    """Return what a signed *token* says, unverified."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
