import json

import pytest

from registrary.protocol.http import HttpResponse
from registrary.web.head import Refused
from registrary.web.wire import encode, refusal

SHARED = b"date: Sat, 21 Nov 2026 00:00:00 GMT\r\n"


def test_an_answer_is_a_status_headers_a_length_and_a_body():
    """The order is free; that nothing is missing is what clients rely on (RFC 9112 §2.1)."""
    response = HttpResponse(201, ((b"content-type", b"text/plain"), (b"x-a", b"b")), b"body")

    written = encode(response, shared=SHARED)

    assert (
        b"HTTP/1.1 201 Created\r\n"
        b"date: Sat, 21 Nov 2026 00:00:00 GMT\r\n"
        b"content-type: text/plain\r\n"
        b"x-a: b\r\n"
        b"content-length: 4\r\n"
        b"\r\nbody"
    ) == written


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_body_has_no_length(status):
    """A length there would be a lie, or an error (RFC 9110 §8.6)."""
    written = encode(HttpResponse(status), shared=SHARED)

    assert b"content-length" not in written
    assert written.endswith(b"GMT\r\n\r\n")


def test_an_empty_body_has_a_length():
    """Without one the client would wait for the end of the connection (RFC 9112 §6.3)."""
    written = encode(HttpResponse(200), shared=SHARED)

    assert written.endswith(b"content-length: 0\r\n\r\n")


def test_head_takes_the_body_away_and_leaves_its_length():
    """It says what GET would have sent (RFC 9110 §9.3.2)."""
    written = encode(HttpResponse(200, (), b"body"), shared=SHARED, for_head=True)

    assert written.endswith(b"content-length: 4\r\n\r\n")


def test_the_last_answer_says_so():
    """Or the client would send its next request into a closed connection (RFC 9112 §9.6)."""
    written = encode(HttpResponse(200), shared=SHARED, closing=True)

    assert b"\r\nconnection: close\r\n" in written


@pytest.mark.parametrize(
    "header",
    [
        (b"a", b"b\r\nc: d"),
        (b"a", b"b\nc: d"),
        (b"a", b"b\rc"),
        (b"a", b"b\0"),
        (b"a\r\nb", b"c"),
        (b"a\nb", b"c"),
    ],
)
def test_a_header_that_would_break_its_line_is_an_error(header):
    """Whatever let it come this far, it goes no further (CWE-113)."""
    with pytest.raises(ValueError, match="line break"):
        encode(HttpResponse(200, ((b"x", b"y"), header)), shared=SHARED)


def test_a_body_may_hold_anything():
    """Only headers have lines that can break."""
    written = encode(HttpResponse(200, (), b"\r\n\0"), shared=SHARED)

    assert written.endswith(b"\r\n\r\n\r\n\0")


def test_a_refusal_says_the_rule_and_is_kept_by_nobody():
    """A cache that kept it would refuse others for it (RFC 9111 §3)."""
    response = refusal(Refused(413, "the body exceeds 5 bytes", code="request_too_large"))

    assert 413 == response.status
    assert (b"cache-control", b"no-store") in response.headers
    assert {
        "error": "request_too_large",
        "error_description": "the body exceeds 5 bytes",
    } == json.loads(response.body)
