"""Below the admin API every error is a problem document (RFC 9457), also where no operation ran."""

import json

import pytest

from registrary.testing.server import ADMIN_TOKEN
from tests.protocol.wire import HOST, connected, request

API = "/api/v1"
TOKEN = f"Authorization: Bearer {ADMIN_TOKEN}"
JSON = "Content-Type: application/json"
TOO_LARGE = "Content-Length: 300000"


@pytest.mark.parametrize(
    ("first", "lines", "status"),
    [
        (f"GET {API}/clients/%zz", (TOKEN,), 400),
        (f"GET {API}/../clients", (TOKEN,), 400),
        (f"POST {API}/initial-access-tokens", (TOKEN, JSON, TOO_LARGE), 413),
        (f"POST {API}/nothing", (TOKEN, JSON, TOO_LARGE), 413),
        (f"GET {API}/clients/{'a' * 17_000}", (TOKEN,), 431),
        (f"POST {API}/clients", (TOKEN, "Expect: tea"), 417),
        (f"POST {API}/openapi.json", (TOKEN,), 405),
        (f"TRACE {API}/clients", (TOKEN,), 405),
        (f"GET {API}/", (TOKEN,), 404),
        (f"GET {API}/clients/", (TOKEN,), 404),
        (f"GET {API}/a/b/c/d/e/f", (TOKEN, "Accept: text/html"), 404),
    ],
    ids=lambda part: part[:40] if isinstance(part, str) else "",
)
def test_what_no_operation_answered_is_a_problem_document_too(wire, first, lines, status):
    """A program that reads problem documents has nothing else to read."""
    wire.send(request(f"{first} HTTP/1.1", HOST, *lines))
    answer = wire.answer()

    problem = json.loads(answer.body)
    assert (status, status, "about:blank") == (answer.status, problem["status"], problem["type"])
    assert "application/problem+json" == answer.header("content-type")
    assert {"type", "title", "status", "detail"} >= problem.keys()


def test_a_body_that_does_not_come_is_a_problem_too(hasty):
    """Whoever waits for the rest of a body reads the same kind of answer."""
    lines = (TOKEN, JSON, "Content-Length: 10")
    with connected(hasty.url) as wire:
        wire.send(request(f"POST {API}/initial-access-tokens HTTP/1.1", HOST, *lines))
        (late,) = wire.answers()

    assert (408, "application/problem+json") == (late.status, late.header("content-type"))


@pytest.mark.parametrize("target", ["/register?x=/api/v1/", "/register/%zz?x=/api/v1/"])
def test_other_addresses_keep_their_own_errors(wire, target):
    """What stands in a query says nothing about who answers."""
    wire.send(request(f"GET {target} HTTP/1.1", HOST))

    assert "application/json" == wire.answer().header("content-type")
