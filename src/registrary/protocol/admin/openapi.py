"""The description of the admin API (OpenAPI 3.1), made from its rows."""

import re
from typing import Any

import msgspec

from registrary.protocol.admin.operations import PREFIX, Operation


def describe_api(operations: tuple[Operation, ...], issuer: str) -> dict[str, Any]:
    """Return the OpenAPI document for the admin API below *issuer*."""
    shapes = [operation.body for operation in operations if operation.body is not None]
    _, components = msgspec.json.schema_components(
        shapes, ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _described(
            operation
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Registrary admin API", "version": "1"},
        "servers": [{"url": issuer}],
        "security": [{"admin_token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"admin_token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "description": f"Needs the permission `{operation.permission}`.",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"\{(\w+)\}", operation.path)
        ],
        "responses": {
            "2XX": {"description": "Done."},
            "default": {"description": "A problem document (RFC 9457)."},
        },
    }
    if operation.body is not None:
        reference = f"#/components/schemas/{operation.body.__name__}"
        described["requestBody"] = {
            "content": {"application/json": {"schema": {"$ref": reference}}}
        }
    return described
