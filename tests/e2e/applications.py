"""Applications that people sign in to: registered, sent to, and answered at their own address."""

import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import Request, urlopen

PRIVATE: Final = "com.example.app:/cb"
SCOPE: Final = "openid profile offline_access read write"


@dataclass(frozen=True, slots=True)
class Application:
    """A client of the server at *issuer* and where it is answered.

    *members* is its registration as the server told it; *verifier* is the secret of PKCE.
    """

    issuer: str
    redirect_uri: str
    members: dict[str, Any]  # Any: members of registered metadata
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def client_id(self) -> str:
        """Return the identifier the server gave it."""
        return str(self.members["client_id"])

    def address(self, **parameters: str) -> str:
        """Return where the application sends a browser; *parameters* join or replace its own."""
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": SCOPE,
            "state": "af0ifjsldkj",
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        return f"{self.issuer}/authorize?{urlencode(asked | parameters)}"

    def redeem(self, answer: str) -> dict[str, Any]:  # Any: JSON
        """Return what the code in the address *answer* is good for."""
        code = parameters_of(answer)["code"]
        return self.ask_for_token(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.redirect_uri,
            code_verifier=self.verifier,
        )

    def ask_for_token(self, **parameters: str) -> dict[str, Any]:  # Any: JSON
        """Return the answer of the token endpoint to *parameters*, granted or not."""
        return post(f"{self.issuer}/token", {"client_id": self.client_id} | parameters)


def register(issuer: str, redirect_uri: str, **members: object) -> Application:
    """Register an application with *redirect_uri* at *issuer*, as anybody may there."""
    wanted = {
        "client_name": "Calendar Sync",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        "scope": SCOPE,
    }
    body = json.dumps(wanted | members).encode()
    request = Request(  # noqa: S310 - our own server
        f"{issuer}/register", body, {"content-type": "application/json"}
    )
    with urlopen(request, timeout=10) as response:  # noqa: S310 - our own server
        return Application(issuer, redirect_uri, json.load(response))


def post(url: str, parameters: dict[str, str]) -> dict[str, Any]:  # Any: JSON
    """Return the JSON answer of *url* to a form, error or not."""
    request = Request(url, urlencode(parameters).encode())  # noqa: S310 - our own server
    try:
        with urlopen(request, timeout=10) as response:  # noqa: S310 - our own server
            answer: dict[str, Any] = json.load(response)
    except HTTPError as error:
        answer = json.load(error)
    return answer


def parameters_of(answer: str) -> dict[str, str]:
    """Return the parameters that the server put into the address *answer*."""
    return dict(parse_qsl(urlsplit(answer).query))


@dataclass(frozen=True, slots=True)
class Listening:
    """What came to an application: addresses, and bodies of what was posted."""

    redirect_uri: str
    answers: list[str] = field(default_factory=list)
    bodies: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Listening]:
    """Wait for a browser on a free port of this machine, as a native application does."""
    heard = Listening("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Note where the browser was sent."""
            heard.answers.append(self.path)
            self._send()

        def do_POST(self) -> None:
            """Note what the browser brought."""
            octets = self.rfile.read(int(self.headers["content-length"]))
            heard.answers.append(self.path)
            heard.bodies.append(dict(parse_qsl(octets.decode())))
            self._send()

        def _send(self) -> None:
            octets = b"<!doctype html><title>Calendar</title><h1>You are back</h1>"
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield Listening(
                f"http://127.0.0.1:{server.server_port}/cb", heard.answers, heard.bodies
            )
        finally:
            server.shutdown()
            thread.join()
