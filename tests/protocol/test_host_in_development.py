"""A development server reached by a name that is not its machine's (DNS rebinding)."""

import pytest

from tests.protocol.wire import request

FOREIGN = "Host: evil.example:8400"


@pytest.mark.parametrize("first", ["GET /authorize?client_id=x", "POST /authorize", "GET /device"])
def test_a_page_is_refused_without_a_word_of_the_name(wire, first):
    """No output ever contains the header's text."""
    wire.send(request(f"{first} HTTP/1.1", FOREIGN, "Content-Length: 0"))
    answer = wire.answer()

    assert (421, "text/html; charset=utf-8") == (answer.status, answer.header("content-type"))
    assert b"evil" not in answer.body
    assert b"localhost" in answer.body


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/.well-known/openid-configuration", 200),
        ("/jwks", 200),
        ("/register", 405),
        ("/register/x", 401),
        ("/api/v1/clients", 401),
        ("/healthz", 200),
    ],
)
def test_what_programs_read_is_the_same_under_every_name(wire, path, status):
    """With one issuer the header means nothing to them."""
    wire.send(request(f"GET {path} HTTP/1.1", FOREIGN))
    answer = wire.answer()

    assert status == answer.status
    assert "application/" in (answer.header("content-type") or "")
