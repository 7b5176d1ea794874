"""What the admin API can do: one row for each operation, from which routes and OpenAPI follow."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from registrary.core.events import Actor
from registrary.core.lifecycle import TransitionError
from registrary.core.strict_json import JsonError, parse_object
from registrary.ports.store import Conflict
from registrary.protocol.bearer import BearerToken, Unusable, bearer_token
from registrary.protocol.http import JSON, NO_STORE, HttpRequest, HttpResponse
from registrary.protocol.media import is_json
from registrary.protocol.parameters import ParameterError, Parameters, parse_parameters
from registrary.protocol.routes import ADMIN_BODY_BYTES, Route
from registrary.registrar.administration import NotFound, NotPossible

PREFIX: Final = "/api/v1"
PROBLEM: Final = (b"content-type", b"application/problem+json")
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the admin API, and what they may do; ``*`` is everything."""

    actor: Actor
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        """Tell whether the caller holds *permission*, such as ``clients:write``."""
        return "*" in self.permissions or permission in self.permissions


Authorize = Callable[[str, HttpRequest], Awaitable[Caller | None]]
"""Finds the caller behind a bearer token's text; None for one that is not good."""


@dataclass(frozen=True, slots=True)
class Call:
    """One authorized call: what stood in the path, the query and the body."""

    caller: Caller
    path: dict[str, str]
    query: Parameters
    body: bytes

    def read(self, shape: type[Any]) -> Any:  # noqa: ANN401 - an instance of *shape*
        """Return the JSON body as *shape*; raises `NotPossible` naming what does not fit."""
        try:
            document = parse_object(self.body) if self.body else {}
            return msgspec.convert(document, shape)
        except JsonError as error:
            raise NotPossible(f"the body {error.rule}") from error
        except msgspec.ValidationError as error:
            raise NotPossible(str(error)) from error


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation gives back: a status and a value for JSON, None for no body."""

    value: object = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. *body* is the shape of its request, None when it takes none."""

    method: str
    path: str
    permission: str
    summary: str
    run: Callable[[Call], Awaitable[Answer]]
    body: type[msgspec.Struct] | None = None


def problem(status: int, title: str, detail: str = "") -> HttpResponse:
    """Render a problem document (RFC 9457)."""
    body = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    headers: tuple[tuple[bytes, bytes], ...] = (PROBLEM, *NO_STORE)
    if status == 401:  # noqa: PLR2004 - HTTP Unauthorized
        headers += ((b"www-authenticate", b"Bearer"),)
    return HttpResponse(status, headers, msgspec.json.encode(body))


def routes_of(operations: tuple[Operation, ...], authorize: Authorize) -> tuple[Route, ...]:
    """Return the routes of *operations*, those at one path together."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = operation
    return tuple(
        Route(
            PREFIX + path,
            {
                method: _Handler(operation, authorize).handle
                for method, operation in methods.items()
            },
            body_limit=ADMIN_BODY_BYTES,
        )
        for path, methods in paths.items()
    )


class _Handler:
    """Does for every operation what must not be forgotten at any: authorize, read, answer."""

    def __init__(self, operation: Operation, authorize: Authorize) -> None:
        self._operation = operation
        self._authorize = authorize
        self._names = _PLACEHOLDER.findall(operation.path)
        pattern = _PLACEHOLDER.sub("([^/]+)", PREFIX + operation.path)
        self._path = re.compile(pattern)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        caller = await self._caller(request)
        if isinstance(caller, HttpResponse):
            return caller
        if request.body and not is_json(request):
            return problem(400, "Bad Request", "content-type: must be application/json")
        try:
            call = Call(
                caller, self._path_values(request), parse_parameters(request.query), request.body
            )
            answer = await self._operation.run(call)
        except NotFound as error:
            return problem(404, "Not Found", f"there is no such {error}")
        except (NotPossible, ParameterError) as error:
            return problem(400, "Bad Request", str(error))
        except (TransitionError, Conflict) as error:
            return problem(409, "Conflict", str(error))
        return _render(answer)

    async def _caller(self, request: HttpRequest) -> Caller | HttpResponse:
        token = bearer_token(request)
        if not isinstance(token, BearerToken):
            detail = "" if token is Unusable.ABSENT else token.value
            return problem(401, "Unauthorized", detail or "an admin token is required")
        caller = await self._authorize(token.text, request)
        if caller is None:
            return problem(401, "Unauthorized", "the admin token is not valid")
        if not caller.may(self._operation.permission):
            return problem(403, "Forbidden", f"this needs {self._operation.permission}")
        return caller

    def _path_values(self, request: HttpRequest) -> dict[str, str]:
        match = self._path.fullmatch(request.path)
        values = match.groups() if match else ()
        return {name: unquote(value) for name, value in zip(self._names, values, strict=False)}


def _render(answer: Answer) -> HttpResponse:
    if answer.value is None:
        return HttpResponse(answer.status, NO_STORE)
    return HttpResponse(answer.status, (JSON, *NO_STORE), msgspec.json.encode(answer.value))
