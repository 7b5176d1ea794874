"""Logs for operators: one JSON object a line, without a secret in it.

Three walls, each of which holds alone. What we log are fixed texts and ids. An exception is told
by its type and its place; its text, which may quote what was sent, only where the class is our own
and its texts are written for operators. And whatever looks like a secret is taken out of the line.
"""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

from registrary.config.settings import LogSettings

OURS: Final = "registrary"
SERVER: Final = "uvicorn"

# Our own tokens, whatever follows Bearer or Basic, and anything that looks like a JWT.
_SECRET: Final = re.compile(
    r"rgy_(?P<kind>[a-z]+)_[A-Za-z0-9]+"
    r"|(?i:(?P<scheme>bearer|basic)\s+)[A-Za-z0-9\-._~+/=]{8,}"
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
)
# A URL with a password: of PostgreSQL up to the last @, for a password may hold one by mistake.
_USER_INFORMATION: Final = re.compile(
    r"(?<=postgresql://)\S*(?=@)|(?<=://)[^\s/?#@:]*:[^\s/?#]*(?=@)"
)
_PATH_TOKEN: Final = re.compile(r"/register/t/[^\s\"'?]+")
_NAMES: Final = (
    r"\b(?P<name>[a-z_]*(?:secret|token|password|assertion|software_statement|authorization"
    r"|cookie|code_verifier)|(?:device_|user_)?code)"
)
# In a form, in a query and in JSON, also in JSON that was quoted once more. Our own sentences
# (`client_secret: must be the current one`) are neither.
_NAMED: Final = re.compile(
    rf"(?i:{_NAMES}(?:=(?P<form>[^\s&\"']+)|\\*[\"']\s*:\s*\\*[\"'](?P<json>(?:[^\"'\\]|\\.)*)))"
)
# What ends a line somewhere, moves the cursor, turns the direction of text, or is half a character.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "color_message"}
_PLAIN: Final = (bool, int, float, type(None))


def redacted(text: str) -> str:
    """Return *text* with everything that could be a secret replaced by what kind it was."""
    text = _PATH_TOKEN.sub("/register/t/…", text)
    text = _USER_INFORMATION.sub("…", text)
    text = _SECRET.sub(_kind_of_secret, text)
    return _NAMED.sub(lambda match: f"{match['name']} …", text)


def _kind_of_secret(match: re.Match[str]) -> str:
    if match["kind"]:
        return f"rgy_{match['kind']}_…"
    return f"{match['scheme']} …" if match["scheme"] else "(JWT)"


def on_one_line(text: str) -> str:
    """Return *text* without a character that could begin another line or hide one."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def described(error: BaseException) -> str:
    """Return what led to *error*, the first cause first: places, types, and texts of our own."""
    return "\nwhich led to\n".join(map(_with_its_places, _chain(error, seen=set())))


def _chain(error: BaseException, *, seen: set[int]) -> Iterator[BaseException]:
    if id(error) in seen:
        return
    seen.add(id(error))
    origin = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if origin is not None:
        yield from _chain(origin, seen=seen)
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _chain(member, seen=seen)
    yield error


def _with_its_places(error: BaseException) -> str:
    # Lines of source, never the values of variables.
    places = "".join(traceback.format_tb(error.__traceback__))
    return f"{places}{_told(error)}"


def _told(error: BaseException) -> str:
    """Return the type of *error*, with its text where that cannot quote what was sent."""
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    if _is_ours(kind.__module__):
        return f"{name}: {on_one_line(redacted(str(error)))}"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{name}: {error.strerror}"
    return name


def _is_ours(name: str) -> bool:
    return name == OURS or name.startswith(f"{OURS}.")


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage()
    if not _is_ours(record.name):
        # asyncio goes on with the task that failed and with its exception, text and all.
        text = text.strip().partition("\n")[0]
    return redacted(text)


def _extras(record: logging.LogRecord) -> dict[str, Any]:  # Any: whatever a caller adds
    return {
        name: value if isinstance(value, _PLAIN) else redacted(str(value))
        for name, value in vars(record).items()
        if name not in _STANDARD
    }


def _exception(record: logging.LogRecord) -> str | None:
    error = record.exc_info[1] if record.exc_info else None
    return None if error is None else described(error)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        line = line | _extras(record) | line
        exception = _exception(record)
        if exception is not None:
            line["exception"] = exception
        return on_one_line(json.dumps(line, ensure_ascii=False))


class TextFormatter(logging.Formatter):
    """Formats a record for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it the places of an exception."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(" ", timespec="milliseconds")
        extras = "".join(f" {name}={value}" for name, value in _extras(record).items())
        text = f"{time} {record.levelname:7} {record.name}: {_message(record)}{extras}"
        exception = _exception(record)
        below = (
            ""
            if exception is None
            else "\n" + "\n".join(f"  {on_one_line(line)}" for line in exception.split("\n"))
        )
        return on_one_line(text) + below


class QuietHandler(logging.StreamHandler[Any]):  # Any: a stream of text
    """A stream that does not tell the arguments of a record it cannot format."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's word
        """Write that a line is missing, and where it came from."""
        lost = {"level": "error", "logger": record.name, "message": "a line could not be written"}
        try:
            self.stream.write(json.dumps(lost) + self.terminator)
        except (OSError, ValueError):  # the stream itself is gone: there is nobody to tell
            return


def set_up_logging(settings: LogSettings) -> None:
    """Send all logs to standard error in the form of *settings*, and whatever else is told there.

    Libraries are heard from warnings on: below that they tell what goes over the wire.
    """
    handler = QuietHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.format == "json" else TextFormatter())
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger(OURS).setLevel(level)
    logging.getLogger(SERVER).setLevel(max(level, logging.INFO))
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    sys.unraisablehook = _log_unraisable


_Kind = type[BaseException]


def _log_uncaught(kind: _Kind, error: BaseException, trace: TracebackType | None) -> None:
    del trace
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger(OURS).critical("the process ends by an error", exc_info=error)


def _log_uncaught_in_thread(event: threading.ExceptHookArgs) -> None:
    name = event.thread.name if event.thread else "unknown"
    error = event.exc_value
    logging.getLogger(OURS).error("a thread ends by an error: %s", name, exc_info=error)


def _log_unraisable(event: "sys.UnraisableHookArgs") -> None:
    logging.getLogger(OURS).error("an error where none can be raised", exc_info=event.exc_value)
