"""Answers as bytes of HTTP/1.1."""

from http import HTTPStatus
from typing import Final

import msgspec

from registrary.protocol.http import JSON, NO_STORE, HttpResponse
from registrary.web.head import Refused

STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_WITHOUT_BODY: Final = frozenset({204, 304})


def encode(
    response: HttpResponse, *, shared: bytes, closing: bool = False, for_head: bool = False
) -> bytes:
    """Return *response* as it goes over the wire.

    *shared* are header lines every answer has, each with its line end. *for_head* leaves the body
    away but not its length (RFC 9110 §9.3.2). Raises ValueError where a header would break its
    line: an answer must not be split in two.
    """
    status, headers, body = response.status, response.headers, response.body
    own = b"".join([b"%b: %b\r\n" % header for header in headers])
    if own.count(b"\n") != len(headers) or own.count(b"\r") != len(headers) or b"\0" in own:
        raise ValueError("a header holds a line break")
    length = b"" if status in _WITHOUT_BODY else b"content-length: %d\r\n" % len(body)
    close = b"connection: close\r\n" if closing else b""
    end = b"\r\n" if for_head else b"\r\n" + body
    return b"".join((STATUS_LINES[status], shared, own, length, close, end))


def refusal(refused: Refused) -> HttpResponse:
    """Render a refusal; it says no more than the rule that was broken."""
    body = {"error": refused.code, "error_description": refused.description}
    return HttpResponse(refused.status, (JSON, *NO_STORE), msgspec.json.encode(body))
