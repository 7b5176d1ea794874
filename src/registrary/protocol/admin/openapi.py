"""The description of the admin API (OpenAPI 3.1), made from its rows."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, get_args

import msgspec

from registrary.protocol.admin.operations import PREFIX, Operation
from registrary.protocol.admin.problems import Problem

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_SCHEMAS: Final = "#/components/schemas/"
_PROBLEM: Final = {"$ref": f"{_SCHEMAS}Problem"}
_ERRORS: Final = {
    "400": "The request does not fit; the detail names the member and the rule.",
    "401": "There is no admin token, or it is not good.",
    "403": "The token lacks the permission that is named.",
    "404": "There is nothing of this name.",
    "409": "It is in a state that does not allow this.",
    "412": "It is not at the revision that If-Match names.",
}


def describe_api(operations: tuple[Operation, ...], issuer: str) -> dict[str, Any]:
    """Return the OpenAPI document for the admin API below *issuer*."""
    shapes = [Problem, *dict.fromkeys(_shapes(operations))]
    _, components = msgspec.json.schema_components(shapes, ref_template=f"{_SCHEMAS}{{name}}")
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = paths.setdefault(PREFIX + operation.path, {})
        path[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Registrary admin API",
            "version": "1",
            "description": "Lists page by cursor; errors are problem documents (RFC 9457).",
        },
        "servers": [{"url": issuer}],
        "security": [{"admin_token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"admin_token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _shapes(operations: Iterable[Operation]) -> Iterator[type[msgspec.Struct]]:
    for operation in operations:
        if operation.body is not None:
            yield operation.body
        if operation.returns is not None:
            yield from _alternatives(operation.returns)


def _alternatives(shape: Any) -> tuple[type[msgspec.Struct], ...]:  # noqa: ANN401 - a Struct or a union
    return get_args(shape) or (shape,)


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _name(operation),
        "summary": operation.summary,
        "description": f"Needs the permission `{operation.permission}`.",
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": {str(operation.status): _answer(operation), **_errors(operation)},
    }
    if operation.body is not None:
        schema = {"$ref": _SCHEMAS + operation.body.__name__}
        described["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return described


def _name(operation: Operation) -> str:
    """Return a name for generated clients, such as ``get_clients_id_holds``."""
    words = re.findall(r"\w+", operation.path)
    return "_".join([operation.method.lower(), *words])


def _path_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in _PLACEHOLDER.findall(operation.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for parameter in operation.query:
        yield {
            "name": parameter.name,
            "in": "query",
            "description": parameter.says,
            "schema": {"type": "string"},
        }
    if operation.method == "PATCH":
        says = "The ETag that the change is based on."
        yield {
            "name": "If-Match",
            "in": "header",
            "description": says,
            "schema": {"type": "string"},
        }


def _answer(operation: Operation) -> dict[str, Any]:
    if operation.returns is None:
        return {"description": "Done."}
    found = [{"$ref": _SCHEMAS + shape.__name__} for shape in _alternatives(operation.returns)]
    schema = found[0] if len(found) == 1 else {"oneOf": found}
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


def _errors(operation: Operation) -> dict[str, Any]:
    statuses = {"400", "401", "403"}
    if _PLACEHOLDER.search(operation.path):
        statuses.add("404")
    if operation.method != "GET":
        statuses.add("409")
    if operation.method == "PATCH":
        statuses.add("412")
    return {
        status: {
            "description": _ERRORS[status],
            "content": {"application/problem+json": {"schema": _PROBLEM}},
        }
        for status in sorted(statuses)
    }
