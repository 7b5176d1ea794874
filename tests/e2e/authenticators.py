"""What people prove themselves with: an authenticator that keeps passkeys, an app with codes."""

import hmac
from base64 import b32decode
from collections.abc import Callable
from typing import Any, Final

from tests.e2e.browser import Window

Send = Callable[..., dict[str, Any]]  # Any: JSON of the browser's own protocol

_AUTHENTICATOR: Final = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def authenticator_of(window: Window) -> Send:
    """Give the machine of *window* a place for passkeys; return what speaks with it."""
    session = window.context.new_cdp_session(window.page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})

    def send(command: str, **members: object) -> dict[str, Any]:  # Any: as above
        answer: dict[str, Any] = session.send(
            command, {"authenticatorId": made["authenticatorId"], **members}
        )
        return answer

    return send


def code_of_app(secret: str, *, at: float) -> str:
    """Return what an app shows for the typed *secret* at the second *at* (RFC 6238 §4)."""
    key = b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, int(at // 30).to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"
