"""What a server sends, as scripts: pieces of bytes, with their framing and their timing."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Final

DOCUMENT: Final = json.dumps({"keys": [], "filler": "x" * 400}).encode()
"""The document every answer contains, where it contains one."""

Script = Callable[[], AsyncIterator[bytes]]
"""What a server sends, piece by piece; when it ends, the server closes the connection."""

JSON: Final = ("Content-Type", "application/json")
_PAUSE_SECONDS: Final = 0.02  # between the bytes of what drips


class Reset(Exception):
    """Raised by a script to break the connection instead of closing it."""


def response(status: str, *headers: tuple[str, str], body: bytes = DOCUMENT) -> bytes:
    """Return an answer with exactly these headers and, unless they frame it, its true length."""
    named = {name.lower() for name, _ in headers}
    framed = named & {"content-length", "transfer-encoding"}
    length = () if framed else (("Content-Length", str(len(body))),)
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in (*headers, *length))]
    return "\r\n".join((*lines, "", "")).encode() + body


def chunk(payload: bytes) -> bytes:
    """Return *payload* as one chunk (RFC 9112 §7.1)."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def sends(*pieces: bytes) -> Script:
    """Return a script that sends *pieces* and closes."""

    async def script() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return script


def stalls(*pieces: bytes) -> Script:
    """Return a script that sends *pieces* and then nothing, for as long as anyone waits."""

    async def script() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        await asyncio.Event().wait()

    return script


def repeats(start: bytes, again: bytes) -> Script:
    """Return a script that sends *start* once and *again* for ever."""

    async def script() -> AsyncIterator[bytes]:
        yield start
        while True:
            yield again

    return script


def drips(at_once: bytes, slowly: bytes) -> Script:
    """Return a script that sends *at_once* and then *slowly*, byte by byte."""

    async def script() -> AsyncIterator[bytes]:
        yield at_once
        for byte in slowly:
            await asyncio.sleep(_PAUSE_SECONDS)
            yield bytes((byte,))

    return script


def resets(*pieces: bytes) -> Script:
    """Return a script that sends *pieces* and breaks the connection."""

    async def script() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
        raise Reset

    return script
