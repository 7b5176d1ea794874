"""The ways a server may answer, one row each.

Apart from its one flaw every answer is a JSON document that a fetcher would take: a test that
passes proves that this flaw was seen.
"""

import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from registrary.testing.hostile.answers import (
    DOCUMENT,
    JSON,
    Script,
    chunk,
    drips,
    repeats,
    resets,
    response,
    sends,
    stalls,
)

_BOMB_BYTES: Final = 32 * 1024 * 1024  # a bomb's size once it is unpacked


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way of answering: where it is found, what is said about it, what is sent."""

    path: str
    sentence: str
    script: Script


def _says(status: str, *headers: tuple[str, str], body: bytes = DOCUMENT) -> Script:
    """Return a script with *status*, as JSON."""
    return sends(response(status, JSON, *headers, body=body))


def _is(*headers: tuple[str, str], body: bytes = DOCUMENT) -> Script:
    """Return a script with status 200 and *headers* alone."""
    return sends(response("200 OK", *headers, body=body))


def _type(value: str) -> tuple[str, str]:
    return ("Content-Type", value)


def _length(value: int | str) -> tuple[str, str]:
    return ("Content-Length", str(value))


def _coding(value: str) -> tuple[str, str]:
    return ("Content-Encoding", value)


async def _bomb() -> AsyncIterator[bytes]:
    # Made when asked for: importing the kit must not cost the time.
    packed = gzip.compress(b" " * _BOMB_BYTES, compresslevel=1)
    yield response("200 OK", JSON, _coding("gzip"), body=packed)


_OK: Final = response("200 OK", JSON)
_HEAD: Final = _OK.removesuffix(DOCUMENT)
_CHUNKED: Final = response("200 OK", JSON, ("Transfer-Encoding", "chunked"), body=b"")
_GZIP_CHUNKED: Final = response("200 OK", JSON, ("Transfer-Encoding", "gzip, chunked"), body=b"")
_UNFRAMED: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
_LINE: Final = b"HTTP/1.1 200 OK\r\n"
_HINT: Final = b"HTTP/1.1 103 Early Hints\r\n\r\n"
_PACKED: Final = gzip.compress(DOCUMENT)
_FILLER: Final = b"x" * 1000

_STATUSES: Final = (
    Behaviour(
        "/redirect",
        "leads elsewhere",
        _says("302 Found", ("Location", "/document")),
    ),
    Behaviour(
        "/redirect-for-good",
        "leads elsewhere for good",
        _says("308 Permanent Redirect", ("Location", "/document")),
    ),
    Behaviour(
        "/redirect-inside",
        "leads to a metadata service",
        _says("307 Temporary Redirect", ("Location", "http://169.254.169.254/latest/")),
    ),
    Behaviour("/not-found", "is not there", _says("404 Not Found")),
    Behaviour("/server-error", "is broken", _says("500 Internal Server Error")),
    Behaviour("/no-content", "is empty by its status", _says("204 No Content", body=b"")),
    Behaviour("/partial", "is a part of something", _says("206 Partial Content")),
    Behaviour("/not-modified", "was never seen before", _says("304 Not Modified", body=b"")),
    Behaviour(
        "/switching-protocols",
        "changes the protocol, unasked",
        _says("101 Switching Protocols", ("Upgrade", "raw"), ("Connection", "upgrade")),
    ),
)

_TYPES: Final = (
    Behaviour("/wrong-type", "says it is a page", _is(_type("text/html"))),
    Behaviour("/plain-type", "says it is text", _is(_type("text/plain"))),
    Behaviour("/no-type", "does not say what it is", _is()),
    Behaviour("/two-types", "says it is two things", _is(JSON, _type("text/html"))),
    Behaviour(
        "/joined-types",
        "says it is two things in one breath",
        _is(_type("application/json, text/html")),
    ),
)

_LENGTHS: Final = (
    Behaviour("/short-body", "ends before its length", _is(JSON, _length(len(DOCUMENT) + 1))),
    Behaviour("/two-lengths", "has two lengths", _is(JSON, _length(len(DOCUMENT)), _length(5))),
    Behaviour("/negative-length", "has a negative length", _is(JSON, _length(-1))),
    Behaviour("/long-length", "has a length of 5000 digits", _is(JSON, _length("9" * 5000))),
    Behaviour("/bad-chunk", "has a chunk without length", sends(_CHUNKED, b"xyz\r\n", DOCUMENT)),
    Behaviour("/open-chunks", "ends between two chunks", sends(_CHUNKED, chunk(DOCUMENT))),
)

_SIZES: Final = (
    Behaviour(
        "/announced-size",
        "announces a gibibyte",
        stalls(response("200 OK", JSON, _length(2**30))),
    ),
    Behaviour("/endless-chunks", "sends chunks for ever", repeats(_CHUNKED, chunk(DOCUMENT))),
    Behaviour("/endless-body", "sends for ever, unframed", repeats(_UNFRAMED, DOCUMENT)),
    Behaviour("/endless-status", "has an endless status line", repeats(_LINE[:-2], _FILLER)),
    Behaviour("/endless-header", "has a header without end", repeats(_LINE + b"X: ", _FILLER)),
    Behaviour(
        "/gigantic-header",
        "has a header of a mebibyte",
        _is(JSON, ("X-Filler", "x" * 2**20)),
    ),
    Behaviour("/endless-headers", "has headers without end", repeats(_LINE, b"X: x\r\n" * 100)),
    Behaviour("/endless-interim", "says early hints for ever", repeats(b"", _HINT * 100)),
    Behaviour(
        "/endless-extension",
        "has a chunk extension without end",
        repeats(_CHUNKED + b"1;", _FILLER),
    ),
    Behaviour(
        "/padded-chunks",
        "wraps every byte in a long chunk extension",
        repeats(_CHUNKED, b"1;" + _FILLER + b"\r\n \r\n"),
    ),
    Behaviour(
        "/endless-trailers",
        "has trailers without end",
        repeats(_CHUNKED + chunk(DOCUMENT) + b"0\r\n", b"X: x\r\n" * 100),
    ),
)

_CODINGS: Final = (
    Behaviour("/gzip", "is compressed, unasked", _is(JSON, _coding("gzip"), body=_PACKED)),
    Behaviour("/gzip-bomb", "becomes 32 MiB when unpacked", _bomb),
    Behaviour(
        "/two-codings",
        "is compressed behind another claim",
        _is(JSON, _coding("identity"), _coding("gzip"), body=_PACKED),
    ),
    Behaviour(
        "/joined-codings",
        "is compressed behind another claim in one breath",
        _is(JSON, _coding("identity, gzip"), body=_PACKED),
    ),
    Behaviour(
        "/transfer-gzip",
        "is compressed on the way",
        sends(_GZIP_CHUNKED, chunk(_PACKED), chunk(b"")),
    ),
)

_TIMES: Final = (
    Behaviour("/silent", "never answers", stalls()),
    Behaviour("/stall", "stops half-way", stalls(_OK[:-100])),
    Behaviour("/stall-in-headers", "stops in its headers", stalls(_OK[:30])),
    Behaviour("/drip-headers", "sends its headers byte by byte", drips(b"", _OK)),
    Behaviour("/drip-body", "sends its body byte by byte", drips(_HEAD, DOCUMENT)),
)

_BREAKS: Final = (
    Behaviour("/close", "closes without a word", sends()),
    Behaviour("/close-in-headers", "closes in its headers", sends(_OK[:30])),
    Behaviour("/reset", "breaks the connection", resets()),
    Behaviour("/reset-in-body", "breaks the connection in its body", resets(_OK[:-100])),
    Behaviour("/not-http", "speaks another protocol", sends(b"SSH-2.0-OpenSSH_9.6\r\n")),
    Behaviour("/headless", "has neither status nor headers", sends(DOCUMENT)),
    Behaviour("/nameless-header", "has a header without name", sends(_LINE, b": x\r\n\r\n")),
)

MISBEHAVIOURS: Final = (
    *_STATUSES,
    *_TYPES,
    *_LENGTHS,
    *_SIZES,
    *_CODINGS,
    *_TIMES,
    *_BREAKS,
)
"""What no fetcher should take a document from."""

ODDITIES: Final = (
    Behaviour("/document", "has nothing wrong with it", sends(_OK)),
    Behaviour("/charset", "names its charset", _is(_type("Application/JSON; charset=utf-8"))),
    Behaviour("/identity", "says it is not compressed", _is(JSON, _coding("identity"))),
    Behaviour(
        "/chunks",
        "comes in chunks",
        sends(_CHUNKED, chunk(DOCUMENT[:9]), chunk(DOCUMENT[9:]), chunk(b"")),
    ),
    Behaviour("/unframed", "ends when the connection does", sends(_UNFRAMED, DOCUMENT)),
    Behaviour("/pieces", "comes in two pieces", sends(_OK[:-9], _OK[-9:])),
    Behaviour("/interim", "gives an early hint first", sends(_HINT, _OK)),
    Behaviour("/long-body", "goes on after its length", sends(_OK, DOCUMENT)),
    Behaviour("/cookie", "sets a cookie", _is(JSON, ("Set-Cookie", "session=1; Path=/"))),
)
"""Unusual answers that still carry `DOCUMENT`, whole."""
