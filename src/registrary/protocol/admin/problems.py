"""How the admin API says what went wrong: problem documents (RFC 9457)."""

from datetime import timedelta
from http import HTTPStatus
from typing import Final

import msgspec

from registrary.protocol.bearer import Unusable, challenge
from registrary.protocol.errors import error_response
from registrary.protocol.http import NO_STORE, HttpResponse
from registrary.registrar.permissions import Forbidden

PROBLEM: Final = (b"content-type", b"application/problem+json")


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
    return HttpResponse(status, (PROBLEM, *NO_STORE), msgspec.json.encode(document))


def unreadable(why: Unusable) -> HttpResponse:
    """Render that no admin token could be read, and ask for one (RFC 6750 §3.1)."""
    if why is Unusable.ABSENT:
        answer = problem(401, "Unauthorized", "an admin token is required")
        return answer.with_headers(challenge())
    if why is Unusable.OTHER_SCHEME:
        return problem(401, "Unauthorized", why.value).with_headers(challenge())
    return problem(400, "Bad Request", why.value).with_headers(challenge("invalid_request"))


def stranger(wait: timedelta | None) -> HttpResponse:
    """Render that an admin token is not good, or with *wait* that there were too many of them."""
    if wait is not None:
        return as_problem(error_response("too_many_requests", retry_after=wait))
    answer = problem(401, "Unauthorized", "the admin token is not valid")
    return answer.with_headers(challenge("invalid_token"))


class _Error(msgspec.Struct):
    """The body of an error as OAuth has it (RFC 6749 §5.2)."""

    error: str
    error_description: str | None = None


def as_problem(response: HttpResponse) -> HttpResponse:
    """Return an OAuth error as a problem document; its other headers stay."""
    error = msgspec.json.decode(response.body, type=_Error)
    kept = [header for header in response.headers if header[0] != PROBLEM[0]]
    document = Problem(
        type="about:blank",
        title=HTTPStatus(response.status).phrase,
        status=response.status,
        detail=error.error_description,
    )
    return HttpResponse(response.status, (PROBLEM, *kept), msgspec.json.encode(document))


def refusal(error: Forbidden) -> HttpResponse:
    """Render that the caller lacks a permission, and which (RFC 9110 §15.5.4; RFC 6750 §3.1)."""
    answer = problem(403, "Forbidden", str(error), permission=error.permission)
    return answer.with_headers(challenge("insufficient_scope"))
