"""The one person who signs in at the servers of the bench, and the codes they bring to clients."""

import base64
import hashlib
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final
from urllib.parse import urlencode

from bench.documents import Registered
from tests.interop.people import Browser  # what drives the pages for the tests drives them here

VERIFIER: Final = "the-same-code-verifier-for-every-request-of-the-bench"
CHALLENGE: Final = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
SCOPE: Final = "openid profile email read"


@dataclass(slots=True)
class Visitor:
    """A browser that is signed in once it was asked for the first code."""

    browser: Browser
    authorization_endpoint: str

    def codes(
        self, clients: list[Registered], count: int, *, resource: str = ""
    ) -> list[tuple[Registered, str]]:
        """Return *count* fresh codes with whom they are for, turning over *clients*."""
        return [(client, self._code(client, resource)) for client in islice(cycle(clients), count)]

    def _code(self, client: Registered, resource: str) -> str:
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": SCOPE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | ({"resource": resource} if resource else {})
        return self.browser.visit(f"{self.authorization_endpoint}?{urlencode(query)}").answer[
            "code"
        ]


def redemption(code: str, redirect_uri: str) -> dict[str, str]:
    """Return the token request that redeems *code* (RFC 6749 §4.1.3)."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": VERIFIER,
    }
