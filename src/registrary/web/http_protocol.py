"""HTTP/1.1 on a connection: requests in, answers out in order, and an end that callers can read.

uvicorn makes one `HttpProtocol` for each connection it accepts and tells it when to stop; nothing
else of uvicorn, and nothing of ASGI, is on the way of a request.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.server import ServerState

from registrary.protocol.http import HttpResponse
from registrary.web.callers import canonical_peer
from registrary.web.deadlines import Deadlines
from registrary.web.exchange import Exchange
from registrary.web.gateway import Gateway
from registrary.web.head import Refused
from registrary.web.limits import HttpLimits
from registrary.web.reading import PIECE, Peer, Reader, Stage
from registrary.web.writing import Refusal, Writer


class HttpProtocol(asyncio.Protocol):
    """One connection. Requests wait in order for their turn; while one waits, nothing is read."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # Any: what `Application` put there
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        del config
        self._gateway_at: Callable[[int], Gateway] = app_state["gateway_at"]
        self._state = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._unread = b""  # what arrived while a request waited
        self._waiting: deque[Exchange] = deque()  # whole, not begun
        self._front: Exchange | None = None  # being answered
        self._refusal: Refusal | None = None  # to be said when everything before is answered
        self._reading_paused = self._writing_paused = False
        self._undrained = 0  # bytes the caller had not taken at the last look
        self._is_lost = self._is_stopping = False
        # Set when the connection stands:
        self._transport: asyncio.Transport
        self._gateway: Gateway
        self._limits: HttpLimits
        self._peer: Peer
        self._deadlines: Deadlines
        self._reader: Reader
        self._writer: Writer

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock: a caller who says nothing does not stay."""
        writable = cast("asyncio.Transport", transport)  # uvloop's do not derive from the class
        self._transport = writable
        self._gateway = self._gateway_at(_port_of(transport))
        self._limits = self._gateway.limits
        self._peer = peer = self._peer_of(transport)
        self._deadlines = deadlines = Deadlines(self._loop, self._limits, self._on_look)
        self._reader = Reader(
            self._gateway, peer, deadlines=deadlines, now=self._loop.time, deliver=self._take
        )
        self._writer = Writer(writable, self._gateway, self._state)
        deadlines.read = self._loop.time() + self._limits.header_seconds
        self._state.connections.add(cast("Any", self))  # Any: uvicorn calls `shutdown` alone

    def _peer_of(self, transport: asyncio.BaseTransport) -> Peer:
        name = transport.get_extra_info("peername")
        # A Unix socket's name is no address.
        address = canonical_peer(name[0]) if isinstance(name, tuple) else ""
        tls = transport.get_extra_info("ssl_object")
        scheme = "http" if tls is None else "https"
        certificate = None if tls is None else tls.getpeercert(binary_form=True)
        return Peer(address, scheme, self._gateway.callers.trusts(address), certificate)

    def data_received(self, data: bytes) -> None:
        """Read on, or keep what came until there is room for it."""
        self._unread += data
        self._read()
        self._say_continue()

    def eof_received(self) -> bool:
        """Answer a caller who has sent everything and closed his half (RFC 9112 §9.6)."""
        self._reader.stop()
        last = self._waiting[-1] if self._waiting else self._front
        if last is None or self._peer.scheme == "https":  # TLS has no halves
            return False
        last.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Let what is under way finish: it may be writing. Nothing that waits is begun."""
        del exc
        self._is_lost = True
        self._state.connections.discard(cast("Any", self))  # Any: as above
        self._deadlines.stop()
        self._reader.stop()
        self._waiting.clear()
        self._keep_front()

    def shutdown(self) -> None:
        """Finish what is under way, then close: the server is stopping."""
        self._is_stopping = True
        self._keep_front()
        if self._front is None and self._is_at_rest():
            self._close()

    def pause_writing(self) -> None:
        """Begin nothing for a caller who does not take what he is sent."""
        self._writing_paused = True
        self._undrained = self._transport.get_write_buffer_size()
        self._deadlines.drain = self._loop.time() + self._limits.idle_seconds

    def resume_writing(self) -> None:
        """Go on where that caller had stopped us."""
        self._writing_paused = False
        self._deadlines.drain = inf
        if self._front is None:
            self._proceed()

    # Deadlines

    def _on_look(self, now: float) -> None:
        deadlines = self._deadlines
        if now >= deadlines.answer:
            self._answer_late()
        if now >= deadlines.drain:
            self._drain_late()
        elif now >= deadlines.read:
            self._read_late()

    def _read_late(self) -> None:
        self._deadlines.read = inf
        if self._reader.stage is Stage.HEAD or self._reader.stage is Stage.BODY:
            self._refuse(self._reader.lateness())
        elif self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    def _answer_late(self) -> None:
        """Answer in place of an endpoint that takes too long; it goes on, it may be writing."""
        self._keep_front()
        exchange = self._front
        if exchange is not None:
            self._finish(exchange, self._gateway.late(exchange.endpoint, exchange.request))

    def _drain_late(self) -> None:
        """End a connection whose caller takes nothing; slowly is not nothing."""
        left = self._transport.get_write_buffer_size()
        if left < self._undrained:
            self._undrained = left
            self._deadlines.drain = self._loop.time() + self._limits.idle_seconds
        else:
            self._transport.abort()

    # Reading

    def _read(self) -> None:
        """Read what has arrived, as long as nobody waits."""
        while self._unread and not self._waiting:
            piece, self._unread = self._unread[:PIECE], self._unread[PIECE:]
            try:
                self._reader.feed(piece)
            except Refused as refused:
                self._refuse(refused)
        if self._waiting and not self._reading_paused:
            self._reading_paused = True
            self._deadlines.read = inf  # we do not listen: no fault of the caller's
            self._transport.pause_reading()

    def _take(self, exchange: Exchange) -> None:
        """Answer a request, or have it wait for those before it."""
        if self._front is None and not self._waiting and not self._writing_paused:
            self._start(exchange)
        else:
            self._waiting.append(exchange)

    def _say_continue(self) -> None:
        """Tell a caller who waits for it that his body is wanted (RFC 9110 §10.1.1)."""
        exchange = self._reader.exchange
        if exchange is not None and exchange.expects_continue and self._front is None:
            exchange.expects_continue = False
            self._writer.go_on()

    # Answering

    def _start(self, exchange: Exchange) -> None:
        self._front = exchange
        exchange.started = time.perf_counter()
        self._deadlines.answer = self._loop.time() + self._limits.answer_seconds
        exchange.task = self._loop.create_task(self._answer(exchange))

    async def _answer(self, exchange: Exchange) -> None:
        response = await self._gateway.answer(exchange.endpoint, exchange.request)
        if not exchange.answered:
            self._finish(exchange, response)

    def _finish(self, exchange: Exchange, response: HttpResponse) -> None:
        """Send *response* and go on to the next request."""
        exchange.answered = True
        self._front = None
        self._deadlines.answer = inf
        self._state.total_requests += 1
        if self._is_lost:
            self._writer.note(exchange, response)
            return
        if self._is_stopping and self._is_at_rest():
            exchange.keep_alive = False
        self._writer.answer(exchange, response)
        if exchange.keep_alive:
            self._proceed()
        else:
            self._close()

    def _proceed(self) -> None:
        """Answer the next request that waits, say a refusal that waited, or read on."""
        if self._writing_paused or self._transport.is_closing():
            return
        if self._waiting:
            self._start(self._waiting.popleft())
        elif self._refusal is not None:
            self._say_refusal(self._refusal)
        else:
            self._read_on()

    def _read_on(self) -> None:
        if self._reading_paused:
            self._resume_reading()
            self._reader.allow_time()
            self._read()
        elif self._reader.stage is Stage.IDLE:
            self._reader.allow_time()
        self._say_continue()

    # Ending

    def _refuse(self, refused: Refused) -> None:
        """Read nothing more; say why once everything before is answered."""
        self._refusal = Refusal(refused, self._reader.stop(), self._reader.path)
        self._deadlines.read = inf
        if self._front is None and not self._waiting and not self._writing_paused:
            self._say_refusal(self._refusal)

    def _say_refusal(self, refusal: Refusal) -> None:
        """Send the refusal and close, but not before the caller could read it (RFC 9112 §9.6).

        Closing with unread bytes resets the connection, and a reset may overtake what was sent:
        so only our half is closed, and the rest is read and dropped for a short time.
        """
        self._refusal = None
        self._writer.refuse(refusal, peer=self._peer.address)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._resume_reading()
        self._deadlines.read_within(self._limits.parting_seconds)

    def _close(self) -> None:
        """Close when what is written has gone out."""
        self._reader.stop()
        self._undrained = self._transport.get_write_buffer_size()
        self._deadlines.drain = self._loop.time() + self._limits.idle_seconds
        self._transport.close()
        if self._is_stopping:
            self._loop.call_later(self._limits.parting_seconds, self._leave)

    def _leave(self) -> None:
        """Wait no longer for a caller by TLS to say that he is done: most never do."""
        if not self._is_lost and not self._transport.get_write_buffer_size():
            self._transport.abort()

    # Helpers

    def _resume_reading(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()

    def _is_at_rest(self) -> bool:
        """Tell whether nothing of another request has arrived."""
        return (
            not self._waiting
            and not self._unread
            and self._refusal is None
            and self._reader.stage in {Stage.IDLE, Stage.OVER}
        )

    def _keep_front(self) -> None:
        """Have a stopping server wait for the answer under way, connection or not."""
        if self._front is not None:
            tasks = self._state.tasks
            tasks.add(self._front.task)
            self._front.task.add_done_callback(tasks.discard)


def _port_of(transport: asyncio.BaseTransport) -> int:
    name = transport.get_extra_info("sockname")
    return name[1] if isinstance(name, tuple) else 0  # a Unix socket has none
