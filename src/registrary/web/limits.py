"""How much a caller may send, and how long it may take."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds on one connection; every field works when left alone."""

    request_line_bytes: int = 16 * 1024  # without its line end
    header_bytes: int = 32 * 1024  # all header lines of a request together, line ends included
    header_count: int = 100  # header lines
    body_bytes: int = 64 * 1024  # where no endpoint says otherwise

    header_seconds: float = 10.0  # from the first byte of a request (or the connection) to its body
    body_seconds: float = 20.0  # from the end of the headers to the end of the body
    answer_seconds: float = 30.0  # from the end of the body to the answer
    # Between requests, longer than proxies keep theirs (mostly 60); and for taking a part of an
    # answer.
    idle_seconds: float = 75.0
    parting_seconds: float = 2.0  # a refused caller may take this long to read why


DEFAULT_LIMITS: Final = HttpLimits()
