"""Access tokens as callers of our own resources present them (RFC 6750 §2, RFC 9449 §7.1)."""

import re
from dataclasses import dataclass
from typing import Final

from registrary.protocol.http import HttpRequest
from registrary.protocol.media import is_form
from registrary.protocol.parameters import ParameterError, parse_parameters

TOKEN_LIMIT: Final = 8192  # characters; longer ones cannot be ours
_TOKEN68: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
BEARER: Final = "bearer"
DPOP: Final = "dpop"


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A token and the *scheme* it came under, ``bearer`` or ``dpop``."""

    scheme: str
    text: str

    def __repr__(self) -> str:
        """Keep the token out of logs and tracebacks."""
        return f"PresentedToken({self.scheme})"


class Unusable(ValueError):
    """The token cannot be read: malformed, or presented in more than one way."""


def presented_token(request: HttpRequest) -> PresentedToken | None:
    """Return the token of *request*, in its header or in the form of a POST; None without one.

    Never in the query: addresses end up in logs (RFC 9700 §4.3.2). Raises `Unusable`.
    """
    headers = request.header_values(b"authorization")
    in_form = _in_form(request)
    if len(headers) + (in_form is not None) > 1:
        raise Unusable("the token must be presented in one way only")
    if in_form is not None:
        return PresentedToken(BEARER, _checked(in_form))
    if not headers:
        return None
    scheme, _, rest = headers[0].partition(" ")
    if scheme.lower() not in (BEARER, DPOP):
        return None
    return PresentedToken(scheme.lower(), _checked(rest.strip(" ")))


def _in_form(request: HttpRequest) -> str | None:
    if request.method != "POST" or not is_form(request):
        return None
    try:
        return parse_parameters(request.body).get("access_token")
    except ParameterError as error:
        raise Unusable(str(error)) from error


def _checked(text: str) -> str:
    if len(text) > TOKEN_LIMIT or _TOKEN68.fullmatch(text) is None:
        raise Unusable("the access token is malformed")
    return text
