"""A little HTTP server that takes what the server under test posts to it."""

import json
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

import httpx2
from joserfc import jwt
from joserfc.jwk import KeySet

PATIENCE_SECONDS: Final = 30  # for what a busy machine does in its own time


@dataclass(frozen=True)
class Posted:
    """One POST that arrived; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def token(self) -> str:
        """Return the token, from a form or as it is."""
        if self.headers["content-type"] == "application/x-www-form-urlencoded":
            return parse_qs(self.body.decode())["logout_token"][0]
        return self.body.decode()

    @property
    def claims(self) -> dict[str, Any]:  # Any: claims are JSON
        """Return what the token says, unverified."""
        payload = self.token.split(".")[1]
        read: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return read

    @property
    def events(self) -> list[str]:
        """Return the types of events it tells of."""
        return list(self.claims["events"])

    def verified(self, issuer: str) -> tuple[dict[str, Any], dict[str, Any]]:  # Any: JSON
        """Return header and claims, judged by another library with the keys of *issuer*."""
        with httpx2.Client(trust_env=False, timeout=20) as http:
            keys = KeySet.import_key_set(http.get(f"{issuer}/jwks").json())
        decoded = jwt.decode(self.token, keys, algorithms=["RS256", "ES256", "EdDSA"])
        return dict(decoded.header), dict(decoded.claims)


@dataclass
class Receiver:
    """What arrived at *url*, and what is answered: *status*, for every POST from now on."""

    url: str = ""
    status: int = 200
    posted: list[Posted] = field(default_factory=list)

    def wait_for(self, count: int, *, path: str | None = None) -> list[Posted]:
        """Return what arrived at *path*, or anywhere, once that is *count*, or after patience."""
        end = time.monotonic() + PATIENCE_SECONDS
        while len(found := self.at(path)) < count and time.monotonic() < end:
            time.sleep(0.01)
        return found

    def at(self, path: str | None) -> list[Posted]:
        """Return what arrived at *path* so far."""
        return [one for one in self.posted if path in (None, one.path)]


@contextmanager
def a_receiver() -> Iterator[Receiver]:
    """Run a receiver on a free port of this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take what was posted down, and answer."""
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.posted.append(Posted(self.path, headers, body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the base's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
