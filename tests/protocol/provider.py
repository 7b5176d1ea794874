"""An OpenID provider for tests: it signs everybody in at once, and lies when it is told to."""

import hashlib
import json
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from registrary.core.base64url import encode
from registrary.core.jose import sign_jwt
from tests.unit.authserver.kit import a_key_pair

CLIENT: Final = ("registrary", "s3cret:/+ü")


@dataclass
class Provider:
    """A provider and what it says.

    *subject* is who signs in. *claims* and *userinfo* come on top of what ID token and userinfo
    say anyway, None leaves a claim out. *answer* changes the parameters that people are sent back
    with. *asked* are the authorization requests it saw, *registered* what clients registered,
    *presented* the codes that it was shown.
    """

    url: str = ""
    subject: str = "anna-at-work"
    claims: dict[str, Any] = field(default_factory=dict)  # Any: claims are JSON
    userinfo: dict[str, Any] = field(default_factory=dict)  # Any: claims are JSON
    metadata: dict[str, Any] = field(default_factory=dict)  # Any: members are JSON
    answer: dict[str, str | None] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    registered: list[dict[str, Any]] = field(default_factory=list)  # Any: metadata is JSON
    presented: list[str] = field(default_factory=list)
    is_down: bool = False

    def __post_init__(self) -> None:
        self.handle, self.jwks = a_key_pair("first")

    def change_key(self) -> None:
        """Sign with a new key from now on."""
        self.handle, self.jwks = a_key_pair(f"key-{time.monotonic_ns()}")

    def get(self, path: str, query: dict[str, str]) -> tuple[int, object]:
        """Return status and JSON, or a location, for a GET."""
        match path:
            case "/.well-known/openid-configuration":
                return 200, self._document()
            case "/jwks":
                return 200, self.jwks
            case "/authorize":
                return 302, self._back(query)
            case "/userinfo":
                return 200, {"sub": self.subject, "email": "anna@work.example"} | self.userinfo
            case _:
                return 404, {}

    def redeem(self, form: dict[str, str], authorization: str) -> tuple[int, object]:
        """Return status and JSON for a code, if who asks is our client and proves PKCE."""
        self.presented.append(form["code"])
        pair = b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        if tuple(map(unquote_plus, pair)) != CLIENT:
            return 401, {"error": "invalid_client"}
        request = self.asked[int(form["code"])]
        challenge = encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if (
            challenge != request["code_challenge"]
            or form["redirect_uri"] != request["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        said = {
            "iss": self.url,
            "aud": CLIENT[0],
            "sub": self.subject,
            "nonce": request["nonce"],
            "iat": now,
            "exp": now + 60,
            "name": "Anna of Work",
        } | self.claims
        told = {name: value for name, value in said.items() if value is not None}
        return 200, {"id_token": sign_jwt(told, self.handle), "access_token": "at"}

    def register(self, document: dict[str, Any]) -> tuple[int, object]:
        """Return status and JSON for a client that registers."""
        self.registered.append(document)
        return 201, {"client_id": CLIENT[0], "client_secret": CLIENT[1]}

    def _document(self) -> dict[str, Any]:  # Any: members are JSON
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["ES256", "none", "HS256"],
            "authorization_response_iss_parameter_supported": True,
        } | self.metadata

    def _back(self, request: dict[str, str]) -> str:
        self.asked.append(request)
        said: dict[str, str | None] = {
            "code": str(len(self.asked) - 1),
            "state": request["state"],
            "iss": self.url,
        }
        told = {name: value for name, value in (said | self.answer).items() if value is not None}
        return f"{request['redirect_uri']}?{urlencode(told)}"


@contextmanager
def a_provider() -> Iterator[Provider]:
    """Run a provider on a free port of this machine."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        """Speaks HTTP for *provider*."""

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._send(*provider.get(parts.path, query))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            if self.path == "/register":
                self._send(*provider.register(json.loads(body)))
                return
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(*provider.redeem(form, self.headers.get("authorization", "")))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _send(self, status: int, said: object) -> None:
            self.send_response(503 if provider.is_down else status)
            if isinstance(said, str):
                self.send_header("location", said)
                said = {}
            body = json.dumps(said).encode()
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        provider.url = f"http://127.0.0.1:{listener.server_port}"
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield provider
        listener.shutdown()
