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
    lines = [b": ".join(header) for header in response.headers]
    for line in lines:
        if b"\n" in line or b"\r" in line or b"\0" in line:
            raise ValueError("a header holds a line break")
    if response.status not in _WITHOUT_BODY:
        lines.append(b"content-length: %d" % len(response.body))
    if closing:
        lines.append(b"connection: close")
    lines.append(b"\r\n" if for_head else b"\r\n" + response.body)
    return b"".join((STATUS_LINES[response.status], shared, b"\r\n".join(lines)))


def refusal(refused: Refused) -> HttpResponse:
    """Render a refusal; it says no more than the rule that was broken."""
    body = {"error": refused.code, "error_description": refused.description}
    return HttpResponse(refused.status, (JSON, *NO_STORE), msgspec.json.encode(body))
