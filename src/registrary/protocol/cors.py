"""Cross-origin access: any origin, never with credentials (RFC 9700 §2.6; fetch standard)."""

from collections.abc import Iterable
from typing import Final

from registrary.protocol.http import HttpResponse

_REQUEST_HEADERS: Final = b"authorization, content-type, mcp-protocol-version, dpop"

ANSWER_HEADERS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"WWW-Authenticate, DPoP-Nonce"),
)
"""What every answer of an open endpoint carries, errors too."""


def preflight(methods: Iterable[str]) -> HttpResponse:
    """Answer ``OPTIONS`` for an endpoint that takes *methods*."""
    allowed = ", ".join(sorted(methods)).encode()
    return HttpResponse(
        204,
        (
            (b"access-control-allow-origin", b"*"),
            (b"access-control-allow-methods", allowed),
            (b"access-control-allow-headers", _REQUEST_HEADERS),
            (b"access-control-max-age", b"86400"),
            (b"allow", allowed),
        ),
    )
