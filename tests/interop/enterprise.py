"""An organisation's identity provider that decides which program acts for whom (ID-JAG)."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey


@dataclass(slots=True)
class Enterprise:
    """The provider at *url*; what it publishes there is `documents`."""

    url: str
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "company"}))

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return what is published, by path."""
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            },
            "/jwks": {"keys": [self.key.as_dict(private=False)]},
        }

    def assertion(self, *, audience: str, resource: str, client_id: str) -> str:
        """Let the client act for Ada at *resource*, whose server asks *audience* for tokens."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "ada",
            "email": "ada@company.example",
            "aud": audience,
            "resource": resource,
            "client_id": client_id,
            "scope": "read",
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 300,
        }
        header = {"alg": "ES256", "typ": "oauth-id-jag+jwt", "kid": "company"}
        return jwt.encode(header, claims, self.key)


@contextmanager
def enterprise() -> Iterator[Enterprise]:
    """Run the provider's pages; yield what it signs with."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with what is published at the path."""
            body = json.dumps(company.documents()[self.path]).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base names it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    company = Enterprise(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield company
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
