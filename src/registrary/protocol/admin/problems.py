"""How the admin API says what went wrong: problem documents (RFC 9457)."""

from typing import Final

import msgspec

from registrary.protocol.http import NO_STORE, HttpResponse
from registrary.registrar.permissions import Forbidden

PROBLEM: Final = (b"content-type", b"application/problem+json")
_CHALLENGE: Final = (b"www-authenticate", b"Bearer")  # RFC 6750 §3
_UNAUTHORIZED: Final = 401


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A problem document. *permission* is the one that the caller lacks, where that is it."""

    type: str
    title: str
    status: int
    detail: str | None = None
    permission: str | None = None


def problem(status: int, title: str, detail: str | None = None, **more: str) -> HttpResponse:
    """Render a problem document; *detail* names the member and the rule, never a value."""
    document = Problem(type="about:blank", title=title, status=status, detail=detail, **more)
    headers = (PROBLEM, *NO_STORE, _CHALLENGE) if status == _UNAUTHORIZED else (PROBLEM, *NO_STORE)
    return HttpResponse(status, headers, msgspec.json.encode(document))


def refusal(error: Forbidden) -> HttpResponse:
    """Render that the caller lacks a permission, and which (RFC 9110 §15.5.4)."""
    return problem(403, "Forbidden", str(error), permission=error.permission)
