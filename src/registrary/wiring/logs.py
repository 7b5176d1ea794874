"""Logs for operators: one JSON object a line, without a secret in it."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final

from registrary.config.settings import LogSettings

# Our own tokens, whatever follows Bearer or Basic, and anything that looks like a JWT.
_SECRET: Final = re.compile(
    r"rgy_(?P<kind>[a-z]+)_[A-Za-z0-9]+"
    r"|(?i:(?P<scheme>bearer|basic)\s+)[A-Za-z0-9\-._~+/=]{8,}"
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
)
_PATH_TOKEN: Final = re.compile(r"/register/t/[^\s\"'?]+")
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({})))


def redacted(text: str) -> str:
    """Return *text* with everything that could be a secret replaced by what kind it was."""
    text = _PATH_TOKEN.sub("/register/t/…", text)
    return _SECRET.sub(_replacement, text)


def _replacement(match: re.Match[str]) -> str:
    if match["kind"]:
        return f"rgy_{match['kind']}_…"
    return f"{match['scheme']} …" if match["scheme"] else "(JWT)"


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON, redacted as a whole."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((name, value) for name, value in vars(record).items() if name not in _STANDARD)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redacted(json.dumps(line, default=str, ensure_ascii=False))


class TextFormatter(logging.Formatter):
    """Formats a record for people, redacted."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines where there is a traceback."""
        return redacted(super().format(record))


def set_up_logging(settings: LogSettings) -> None:
    """Send all logs to standard error in the form of *settings*."""
    handler = logging.StreamHandler(sys.stderr)
    if settings.format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(TextFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
