"""The access log: one line for each request, written a few at a time.

A line names the route, never the path that was sent, which may hold a token. Formatting and
writing each line by itself would cost a tenth of a registration; so lines are collected for a
moment. What a killed process had not written is missing here. Nothing that has to be proved is
in these lines: that is what the audit log is for.
"""

import asyncio
import logging
import sys
import time
from datetime import UTC, datetime
from typing import BinaryIO, Final

import msgspec

from registrary.config.settings import LogSettings
from registrary.web.gateway import RequestSummary

FLUSH_SECONDS: Final = 0.2
PENDING_LIMIT: Final = 1000  # lines that are never waited for longer
WRITE_BYTES: Final = 4096  # a pipe takes so many at once: lines of several processes stay whole
LOGGER: Final = "registrary.access"


class _Line(msgspec.Struct):
    """One line, in the shape of all other lines of the log."""

    time: str
    level: str
    logger: str
    message: str
    method: str
    route: str
    status: int
    microseconds: int
    bytes: int
    request_id: str
    peer: str


class AccessLog:
    """Collects requests and writes them to *stream*, from the loop they are noted on."""

    def __init__(self, stream: BinaryIO, settings: LogSettings) -> None:
        self._stream = stream
        self._format = _as_json if settings.format == "json" else _as_text
        self._pending: list[tuple[float, RequestSummary]] = []

    def note(self, summary: RequestSummary) -> None:
        """Note a finished request."""
        if not self._pending:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._pending.append((time.time(), summary))
        if len(self._pending) >= PENDING_LIMIT:
            self.flush()

    def flush(self) -> None:
        """Write what has been noted; without a stream to write to, nobody is waiting for it."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        lines = [self._format(moment, summary) for moment, summary in pending]
        try:
            for part in _parts(lines):
                self._stream.write(part)
            self._stream.flush()
        except (OSError, ValueError):  # closed, or its reader is gone: requests are still answered
            return


def access_log_of(settings: LogSettings) -> AccessLog | None:
    """Return the log that *settings* ask for, on standard error; None when they ask for none."""
    told = logging.getLevelNamesMapping()[settings.level.upper()] <= logging.INFO
    return AccessLog(sys.stderr.buffer, settings) if settings.access and told else None


def _parts(lines: list[bytes]) -> list[bytes]:
    """Return *lines* joined into parts that are written at once."""
    parts = [b""]
    for line in lines:
        if len(parts[-1]) + len(line) > WRITE_BYTES:
            parts.append(b"")
        parts[-1] += line
    return parts


def _as_json(moment: float, summary: RequestSummary) -> bytes:
    return (
        msgspec.json.encode(
            _Line(
                time=_told(moment, separator="T"),
                level="info",
                logger=LOGGER,
                message="request",
                method=summary.method,
                route=summary.template,
                status=summary.status,
                microseconds=summary.microseconds,
                bytes=summary.sent_bytes,
                request_id=summary.request_id,
                peer=summary.peer,
            )
        )
        + b"\n"
    )


def _as_text(moment: float, summary: RequestSummary) -> bytes:
    return (
        f"{_told(moment, separator=' ')} INFO    {LOGGER}: {summary.method or '-'}"
        f" {summary.template or '(none)'} {summary.status} {summary.microseconds} us"
        f" {summary.sent_bytes} B {summary.peer or '-'} {summary.request_id}\n"
    ).encode()


def _told(moment: float, *, separator: str) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(separator, timespec="milliseconds")
