"""The description of the admin API is valid, and says what the API does."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from registrary.protocol.admin.openapi import describe_api
from registrary.protocol.admin.operations import PREFIX
from tests.unit.protocol.admin.kit import Office

OPERATIONS = Office().operations()
DOCUMENT = describe_api(OPERATIONS, "https://id.example")
DESCRIBED = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
EACH = pytest.mark.parametrize(
    ("path", "method", "operation"),
    DESCRIBED,
    ids=[f"{method} {path}" for path, method, _ in DESCRIBED],
)
TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}


def every_object(node: Any) -> Iterator[dict[str, Any]]:  # Any: JSON
    """Yield every object within *node*."""
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from every_object(inner)
    elif isinstance(node, list | tuple):
        for inner in node:
            yield from every_object(inner)


def resolved(reference: str) -> Any:  # Any: JSON
    """Return what a reference within the document points to."""
    node: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_the_document_has_what_openapi_demands():
    """Programs that make clients of it refuse a document without these (OpenAPI 3.1 §4.8.1)."""
    assert re.fullmatch(r"3\.1\.\d+", DOCUMENT["openapi"])
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    assert DOCUMENT.keys() <= {"openapi", "info", "servers", "security", "paths", "components"}
    assert {"type": "http", "scheme": "bearer"} == DOCUMENT["components"]["securitySchemes"][
        "admin_token"
    ]


def test_every_operation_is_described_and_nothing_else():
    """What is not in the description is found by reading our code, or not at all."""
    described = {(path, method.upper()) for path, method, _ in DESCRIBED}

    assert {(PREFIX + one.path, one.method) for one in OPERATIONS} == described


def test_operations_have_names_of_their_own():
    """A generated client has one function for each (OpenAPI 3.1 §4.8.10)."""
    names = [operation["operationId"] for _, _, operation in DESCRIBED]

    assert sorted(set(names)) == sorted(names)


@EACH
def test_an_operation_says_what_it_takes_and_gives(path, method, operation):
    """Every parameter in the path, every answer with its schema, every error as a problem."""
    in_path = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
    done = [status for status in operation["responses"] if status.startswith("2")]
    errors = [
        answer["content"]
        for status, answer in operation["responses"].items()
        if status.startswith("4")
    ]

    assert re.findall(r"\{(\w+)\}", path) == in_path
    assert all(one["required"] for one in operation["parameters"] if one["in"] == "path")
    assert 1 == len(done)
    assert ("204" in done) == ("content" not in operation["responses"][done[0]])
    assert all("description" in answer for answer in operation["responses"].values())
    assert all(["application/problem+json"] == list(content) for content in errors)
    assert ("requestBody" in operation) <= (method in {"post", "put", "patch", "delete"})


def test_references_lead_somewhere():
    """A dangling reference stops every tool."""
    references = [node["$ref"] for node in every_object(DOCUMENT) if "$ref" in node]

    assert references
    assert all(isinstance(resolved(reference), dict) for reference in references)


def test_schemas_are_schemas():
    """JSON Schema knows seven types (2020-12, validation §6.1.1)."""
    types = [
        node["type"]
        for schema in DOCUMENT["components"]["schemas"].values()
        for node in every_object(schema)
        if isinstance(node.get("type"), str)
    ]

    assert set(types) - TYPES <= {"about:blank"}


@EACH
def test_an_operation_names_its_permission(path, method, operation):
    """Whoever makes a token for a script looks here for what it needs."""
    (row,) = [
        one for one in OPERATIONS if (PREFIX + one.path, one.method.lower()) == (path, method)
    ]

    assert f"`{row.permission}`" in operation["description"]
    assert operation["summary"].endswith(".")


@pytest.mark.anyio
async def test_the_description_is_open_to_everybody():
    """Whoever writes a client of it needs no token for that."""
    office = await Office().open()

    answer = await office.call("GET /openapi.json", token=None)

    assert (200, "https://registry.example") == (answer.status, answer.body["servers"][0]["url"])
