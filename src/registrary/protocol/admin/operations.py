"""What the admin API can do: one row for each operation, from which routes and OpenAPI follow."""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol
from urllib.parse import unquote

import msgspec

from registrary.core.lifecycle import TransitionError
from registrary.core.strict_json import JsonError, parse_object
from registrary.ports.store import Conflict, StoreUnavailable
from registrary.protocol.admin.problems import problem, refusal, stranger, unreadable
from registrary.protocol.bearer import BearerToken, bearer_token
from registrary.protocol.http import JSON, NO_STORE, HttpRequest, HttpResponse
from registrary.protocol.media import is_json
from registrary.protocol.parameters import ParameterError, Parameters, parse_parameters
from registrary.protocol.routes import ADMIN_BODY_BYTES, Route
from registrary.registrar.administration import NotFound, NotPossible, Stale
from registrary.registrar.permissions import Caller, Forbidden, Permission

_log: Final = logging.getLogger("registrary.admin")
PREFIX: Final = "/api/v1"
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_UNKNOWN_MEMBER: Final = re.compile(
    r"Object contains unknown field `([a-z][a-z_]{0,39})`(?: - at `\$([a-z_.\[\]0-9]+)`)?"
)
_DEEPEST: Final = 4  # segments below the prefix that an address may have


class Doorkeeper(Protocol):
    """Tells who calls, and hears of those who are turned away."""

    async def find(self, token: str, request: HttpRequest) -> Caller | None:
        """Return who bears *token*; None for one that is not good."""
        ...

    def turn_away(self, request: HttpRequest) -> timedelta | None:
        """Count somebody whose token is not good; return how long they have to wait, if at all."""
        ...

    async def refused(self, caller: Caller, permission: str) -> None:
        """Write down that *caller* lacks *permission* for what they wanted."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One authorized call: what stood in the path, the query, the body and ``If-Match``."""

    caller: Caller
    path: dict[str, str]
    query: Parameters
    body: bytes
    if_match: str | None = None

    def read(self, shape: type[Any]) -> Any:  # noqa: ANN401 - an instance of *shape*
        """Return the JSON body as *shape*; raises `NotPossible` naming what does not fit."""
        try:
            document = parse_object(self.body) if self.body else {}
            return msgspec.convert(document, shape)
        except JsonError as error:
            raise NotPossible(f"the body {error.rule}") from error
        except msgspec.ValidationError as error:
            raise NotPossible(broken_rule(error)) from error

    def expected_revision(self) -> int | None:
        """Return the revision that ``If-Match`` names (RFC 9110 §13.1.1), None for any."""
        if self.if_match is None or self.if_match == "*":
            return None
        digits = self.if_match.strip('"')
        if self.if_match != f'"{digits}"' or not digits.isascii() or not digits.isdigit():
            raise Stale
        return int(digits)


def broken_rule(error: msgspec.ValidationError) -> str:
    """Return which rule a body breaks and where; never a value that was sent.

    msgspec repeats values that are not on a list, and members it does not know: of those, what
    looks like a misspelt name is said, and nothing that might be somebody's secret.
    """
    text = str(error)
    if text.startswith("Object contains unknown field"):
        unknown = _UNKNOWN_MEMBER.fullmatch(text)
        if unknown is None:
            return "there is a member that is not known"
        place = f"{unknown[2] or ''}.{unknown[1]}".strip(".")
        return f"{place}: is not a member that is known"
    rule, at, place = text.rpartition(" - at `$")
    if not at:
        return text
    if rule.startswith("Invalid enum value"):
        rule = "is not one of the values"
    return f"{place.strip('`.')}: {rule}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation gives back: a value for JSON, None for no body.

    *revision* becomes the ``ETag``, by which a later change can say what it is based on.
    """

    value: object = None
    status: int = 200
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A parameter that an operation understands, for its description."""

    name: str
    says: str


PAGED: Final = (
    QueryParameter("cursor", "Where to go on: `next_cursor` of the page before."),
    QueryParameter("limit", "How many at most, up to 500."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation and what it needs.

    *body* is the shape of its request, None when it takes none; *returns* that of its answer,
    None when that is empty.
    """

    method: str
    path: str
    permission: Permission
    summary: str
    run: Callable[[Call], Awaitable[Answer]]
    body: type[msgspec.Struct] | None = None
    query: tuple[QueryParameter, ...] = ()
    returns: Any = None  # a Struct or a union of them
    status: int = 200


def routes_of(operations: tuple[Operation, ...], doorkeeper: Doorkeeper) -> tuple[Route, ...]:
    """Return the routes of *operations*, those at one path together, and then of all the rest.

    Below the prefix every answer is this API's, also that there is nothing.
    """
    paths: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = operation
    known = tuple(
        Route(PREFIX + path, _handlers(methods, doorkeeper), body_limit=ADMIN_BODY_BYTES)
        for path, methods in paths.items()
    )
    depths = ("/{segment}" * depth for depth in range(1, _DEEPEST + 1))
    nothing = dict.fromkeys(METHODS, _nothing)
    return known + tuple(
        Route(PREFIX + depth, nothing, body_limit=ADMIN_BODY_BYTES) for depth in depths
    )


def _handlers(
    operations: dict[str, Operation], doorkeeper: Doorkeeper
) -> dict[str, Callable[[HttpRequest], Awaitable[HttpResponse]]]:
    allowed = ", ".join(operations).encode()

    async def not_allowed(request: HttpRequest) -> HttpResponse:
        del request
        return problem(405, "Method Not Allowed").with_headers((b"allow", allowed))

    return {
        method: _Handler(operations[method], doorkeeper).handle
        if method in operations
        else not_allowed
        for method in METHODS
    }


async def _nothing(request: HttpRequest) -> HttpResponse:
    del request
    return problem(404, "Not Found", "there is nothing at this address")


class _Handler:
    """Does for every operation what must not be forgotten at any: authorize, read, answer."""

    def __init__(self, operation: Operation, doorkeeper: Doorkeeper) -> None:
        self._operation = operation
        self._doorkeeper = doorkeeper
        self._names = _PLACEHOLDER.findall(operation.path)
        pattern = _PLACEHOLDER.sub("([^/]+)", PREFIX + operation.path)
        self._path = re.compile(pattern)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer *request*, whatever happens but a fault of ours."""
        try:
            return await self._answer(request)
        except StoreUnavailable as error:
            # Its text is for operators; the caller learns when to come again.
            _log.error(
                "the store is unavailable: %s", error, extra={"request_id": request.request_id}
            )
            return problem(503, "Service Unavailable").with_headers((b"retry-after", b"5"))

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        caller = await self._caller(request)
        if isinstance(caller, HttpResponse):
            return caller
        if request.body and not is_json(request):
            return problem(400, "Bad Request", "content-type: must be application/json")
        try:
            caller.demand((self._operation.permission,))
            return _rendered(await self._operation.run(self._call(caller, request)))
        except Forbidden as error:
            await self._doorkeeper.refused(caller, error.permission)
            return refusal(error)
        except NotFound as error:
            return problem(404, "Not Found", f"there is no such {error}")
        except (NotPossible, ParameterError) as error:
            return problem(400, "Bad Request", str(error))
        except Stale:
            return problem(412, "Precondition Failed", "if-match: it was changed meanwhile")
        except (TransitionError, Conflict) as error:
            return problem(409, "Conflict", str(error))

    async def _caller(self, request: HttpRequest) -> Caller | HttpResponse:
        token = bearer_token(request)
        if not isinstance(token, BearerToken):
            return unreadable(token)
        caller = await self._doorkeeper.find(token.text, request)
        return caller or stranger(self._doorkeeper.turn_away(request))

    def _call(self, caller: Caller, request: HttpRequest) -> Call:
        match = self._path.fullmatch(request.path)
        values = match.groups() if match else ()
        return Call(
            caller,
            {name: unquote(value) for name, value in zip(self._names, values, strict=False)},
            parse_parameters(request.query),
            request.body,
            request.header(b"if-match"),
        )


def _rendered(answer: Answer) -> HttpResponse:
    headers = NO_STORE
    if answer.revision is not None:
        headers += ((b"etag", f'"{answer.revision}"'.encode()),)
    if answer.value is None:
        return HttpResponse(answer.status, headers)
    return HttpResponse(answer.status, (JSON, *headers), msgspec.json.encode(answer.value))
