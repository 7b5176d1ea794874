"""A server that answers each path in one particular way, usually a wrong one."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Self

from registrary.testing.hostile.answers import Reset, Script, response, sends
from registrary.testing.hostile.behaviours import MISBEHAVIOURS, ODDITIES

_HEAD_LIMIT_BYTES: Final = 64 * 1024  # of a request's line and headers
_NO_LINGER: Final = struct.pack("ii", 1, 0)  # SO_LINGER: closing throws away and resets
_NOT_FOUND: Final = sends(response("404 Not Found", body=b""))


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """What a client asked for; header names in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the first value of the header *name* (lower-case), or None."""
        return next((value for key, value in self.headers if key == name), None)


class HostileServer:
    """Listens on *host*, on a free port or on *port*, until its ``async with`` block ends.

    Speaks TLS when given a context, such as `CertificateAuthority.server_context` makes. Knows
    the paths of `MISBEHAVIOURS` and `ODDITIES`; `publish` adds more. *accepted* counts TCP
    connections, also those on which nothing was said; *requests* are those understood.
    """

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._tls = tls
        self._host = host
        self._wanted_port = port
        self._scripts: dict[str, Script] = {
            behaviour.path: behaviour.script for behaviour in (*MISBEHAVIOURS, *ODDITIES)
        }
        self._listener: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self.requests: list[SeenRequest] = []

    @property
    def port(self) -> int:
        """The port that is listened on."""
        if self._listener is None:
            raise RuntimeError("the server is not running")
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    def url(self, path: str, *, host: str | None = None, scheme: str | None = None) -> str:
        """Return the address of *path* here, under the server's own name or under *host*."""
        name = self._host if host is None else host
        bracketed = f"[{name}]" if ":" in name else name
        return f"{scheme or ('https' if self._tls else 'http')}://{bracketed}:{self.port}{path}"

    def publish(
        self,
        path: str,
        body: bytes,
        *,
        media_type: str = "application/json",
        headers: Iterable[tuple[str, str]] = (),
        status: str = "200 OK",
    ) -> None:
        """Answer *path* with *body* from now on, as an honest server would."""
        answer = response(status, ("Content-Type", media_type), *headers, body=body)
        self._scripts[path] = sends(answer)

    def misbehave(self, path: str, script: Script) -> None:
        """Answer *path* with what *script* sends from now on."""
        self._scripts[path] = script

    def count(self, path: str) -> int:
        """Return how often *path* was asked for, whatever its query."""
        return sum(request.target.partition("?")[0] == path for request in self.requests)

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(
            self._accept, self._host, self._wanted_port, limit=_HEAD_LIMIT_BYTES
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            self._listener.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        self._listener = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The client is free to leave at any point; that is its right and often the test.
        with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError):
            try:
                if self._tls is not None:
                    await writer.start_tls(self._tls)
                request = _parse(await reader.readuntil(b"\r\n\r\n"))
                length = int(request.header("content-length") or 0)
                request = replace(request, body=await reader.readexactly(length))
                self.requests.append(request)
                await self._answer(request, writer)
            except Reset:
                connection: socket.socket = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                writer.transport.abort()
            finally:
                writer.close()

    async def _answer(self, request: SeenRequest, writer: asyncio.StreamWriter) -> None:
        script = self._scripts.get(request.target.partition("?")[0], _NOT_FOUND)
        async for piece in script():
            if writer.is_closing():
                return
            writer.write(piece)
            await writer.drain()
            # Over TLS a lost connection need not show in drain, which then never waits: without
            # this an endless answer would keep the event loop to itself.
            await asyncio.sleep(0)


def _parse(head: bytes) -> SeenRequest:
    line, *rest = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, _, target = line.removesuffix(" HTTP/1.1").partition(" ")
    headers = (header.partition(":") for header in rest)
    return SeenRequest(
        method, target, tuple((name.lower(), value.strip()) for name, _, value in headers)
    )
