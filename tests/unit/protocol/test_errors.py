"""Every error is a row, and every rendering follows it."""

from datetime import timedelta

import msgspec
import pytest

from registrary.protocol.errors import (
    DESCRIPTION_LIMIT,
    ERRORS,
    bare_challenge,
    error_response,
    printable,
)
from registrary.protocol.http import HttpResponse


def header(response: HttpResponse, name: bytes) -> bytes | None:
    """Return the first header called *name*."""
    return next((value for key, value in response.headers if key == name), None)


@pytest.mark.parametrize("code", list(ERRORS))
@pytest.mark.spec("A-007", "A-101", "A-115")
def test_every_code_renders_as_its_row_says(code: str) -> None:
    """A client library decides by status, code and challenge."""
    row = ERRORS[code]

    response = error_response(code, "what was wrong")

    assert row.status == response.status
    assert {"error": code, "error_description": "what was wrong"} == msgspec.json.decode(
        response.body
    )
    assert b"application/json" == header(response, b"content-type")
    assert b"no-store" == header(response, b"cache-control")
    challenges = {
        "Bearer": f'Bearer realm="registrary", error="{code}"'.encode(),
        "Basic": b'Basic realm="registrary"',
        None: None,
    }
    assert challenges[row.challenge] == header(response, b"www-authenticate")


@pytest.mark.parametrize("code", list(ERRORS))
def test_a_challenge_comes_with_401_and_403_only(code: str) -> None:
    """A challenge on another status confuses clients."""
    row = ERRORS[code]

    assert row.challenge is None or row.status in (401, 403)


@pytest.mark.spec("A-115")
def test_a_description_is_printable_ascii_and_bounded() -> None:
    """What a stranger sent must not break out of a header, a log line or a page."""
    text = printable('naïve "quoted" \\ \r\n' + "x" * 5000)

    assert text.startswith("na?ve ?quoted? ? ??x")
    assert DESCRIPTION_LIMIT == len(text)


@pytest.mark.spec("A-006", "B-008")
def test_a_request_without_credentials_gets_a_challenge_without_a_code() -> None:
    """RFC 6750 §3.1: no authentication information, no error code in the challenge.

    The scheme is followed by a parameter all the same (§3), and the body names a code: libraries
    that register clients read bodies (RFC 7591 §3.2.2).
    """
    response = bare_challenge("an admin token is required")

    challenge = header(response, b"www-authenticate")
    assert (401, b'Bearer realm="registrary"') == (response.status, challenge)
    assert {
        "error": "invalid_token",
        "error_description": "an admin token is required",
    } == msgspec.json.decode(response.body)


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [(timedelta(milliseconds=1), b"1"), (timedelta(seconds=2.4), b"3"), (timedelta(0), b"1")],
)
def test_retry_after_is_rounded_up(wait: timedelta, seconds: bytes) -> None:
    """A client that waits as told is not refused again."""
    response = error_response("too_many_requests", retry_after=wait)

    assert seconds == header(response, b"retry-after")
