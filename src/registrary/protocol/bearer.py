"""The one parser of the ``Authorization`` header for bearer tokens, and what asks for one."""

import re
from enum import Enum
from typing import Final

import msgspec

from registrary.protocol.http import HttpRequest

TOKEN_LIMIT: Final = 8192  # characters; longer ones cannot be ours
_B64TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


class Unusable(Enum):
    """Why a request carries no bearer token that could be looked up."""

    ABSENT = "no Authorization header"
    OTHER_SCHEME = "another authentication scheme"
    MALFORMED = "malformed Authorization header"
    REPEATED = "more than one Authorization header"


class BearerToken(msgspec.Struct, frozen=True):
    """A token as it was presented; nothing about it is known yet."""

    text: str

    def __repr__(self) -> str:
        """Keep the token out of logs and tracebacks."""
        return "BearerToken(…)"


def challenge(code: str | None = None) -> tuple[bytes, bytes]:
    """Return the header that asks for a bearer token; *code* says what was wrong with the one sent.

    The scheme is never alone: at least one parameter follows it (RFC 6750 §3).
    """
    error = f', error="{code}"' if code else ""
    return (b"www-authenticate", f'Bearer realm="registrary"{error}'.encode())


def bearer_token(request: HttpRequest) -> BearerToken | Unusable:
    """Return the bearer token of *request*, or why there is none.

    The form is that of RFC 6750 §2.1, the scheme compared without case (RFC 9110 §11.1). A second
    header is never chosen from: two credentials are an error (RFC 6750 §2).
    """
    values = request.header_values(b"authorization")
    if not values:
        return Unusable.ABSENT
    if len(values) > 1:
        return Unusable.REPEATED
    scheme, _, rest = values[0].partition(" ")
    if scheme.lower() != "bearer":
        return Unusable.OTHER_SCHEME
    token = rest.strip(" ")
    if len(token) > TOKEN_LIMIT or _B64TOKEN.fullmatch(token) is None:
        return Unusable.MALFORMED
    return BearerToken(token)
