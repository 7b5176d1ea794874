"""The access log."""

import asyncio
import io
import json

import pytest

from registrary.config.settings import LogSettings
from registrary.web.gateway import RequestSummary
from registrary.wiring.access_log import (
    FLUSH_SECONDS,
    PENDING_LIMIT,
    WRITE_BYTES,
    AccessLog,
    access_log_of,
)

SUMMARY = RequestSummary("POST", "/register/t/{token}", 201, 312, 1514, "0a1b", "203.0.113.9")
REFUSED_HEAD = RequestSummary("", "", 400, 0, 90, "0a1c", "203.0.113.9")


class Recorder(io.BytesIO):
    """A stream that remembers what was written at once."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, part: object) -> int:
        """Keep *part*."""
        assert isinstance(part, bytes)
        self.writes.append(part)
        return len(part)


async def noted(*summaries: RequestSummary, form: str = "json") -> Recorder:
    """Return what a log wrote by itself that was told of *summaries*."""
    stream = Recorder()
    log = AccessLog(stream, LogSettings(format=form))
    for summary in summaries:
        log.note(summary)
    await asyncio.sleep(FLUSH_SECONDS * 2)
    return stream


def test_a_line_says_what_was_asked_and_what_came_of_it():
    """Operators join it with an answer by the request id."""
    stream = asyncio.run(noted(SUMMARY))

    (line,) = b"".join(stream.writes).splitlines()
    told = json.loads(line)
    assert told.pop("time").endswith("+00:00")
    assert {
        "level": "info",
        "logger": "registrary.access",
        "message": "request",
        "method": "POST",
        "route": "/register/t/{token}",
        "status": 201,
        "microseconds": 312,
        "bytes": 1514,
        "request_id": "0a1b",
        "peer": "203.0.113.9",
    } == told


def test_lines_for_people_have_the_same_in_words():
    """Whoever tries the server out reads along."""
    stream = asyncio.run(noted(SUMMARY, REFUSED_HEAD, form="text"))

    first, second = b"".join(stream.writes).decode().splitlines()
    assert "POST /register/t/{token} 201 312 us 1514 B 203.0.113.9 0a1b" in first
    assert "- (none) 400 0 us 90 B" in second


def test_many_lines_are_written_in_parts_that_stay_whole():
    """Several processes write to one pipe; a line cut in two is no JSON."""
    stream = asyncio.run(noted(*[SUMMARY] * (PENDING_LIMIT + 5)))

    assert PENDING_LIMIT + 5 == len(b"".join(stream.writes).splitlines())
    assert all(len(part) <= WRITE_BYTES and part[-1:] in (b"\n", b"") for part in stream.writes)


def test_a_stream_that_is_gone_stops_nothing():
    """A log collector that died must not take the server with it."""
    stream = io.BytesIO()
    stream.close()
    log = AccessLog(stream, LogSettings())

    async def note_and_write() -> bool:
        log.note(SUMMARY)
        log.flush()
        log.note(SUMMARY)
        return True

    assert asyncio.run(note_and_write())


@pytest.mark.parametrize(
    ("settings", "is_kept"),
    [
        (LogSettings(), True),
        (LogSettings(level="debug"), True),
        (LogSettings(level="warning"), False),
        (LogSettings(access=False), False),
    ],
)
def test_the_log_is_kept_as_the_settings_say(settings, is_kept):
    """A setting that is read by nobody is a promise that is not kept."""
    assert is_kept is (access_log_of(settings) is not None)
