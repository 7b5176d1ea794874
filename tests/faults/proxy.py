"""A loopback proxy whose network can be cut, in each of the ways networks are."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Final

CHUNK_BYTES: Final = 65_536
_SETTLING_SECONDS: Final = 0.01  # until tasks that were told to end have ended
_AT_ONCE: Final = struct.pack("ii", 1, 0)  # linger for no time: closing sends RST, not FIN


class Network(Enum):
    """What becomes of connections, and of the octets on them."""

    WHOLE = "whole"
    REFUSED = "refused"  # nobody listens; connections that stood are reset
    RESET = "reset"  # every connection is reset, new ones as soon as they stand
    BLACK_HOLE = "black hole"  # nothing arrives, and nobody is told
    MUTE = "mute"  # what is asked arrives; no answer comes back
    TORN = "torn"  # half of an answer comes back, then the connection is reset


class Proxy:
    """Passes connections on to *target*, HOST and PORT; both network and target can be changed.

    What a black hole took arrives once the network is whole again, as what TCP repeats does.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.delay_seconds = 0.0  # each way
        self.network = Network.WHOLE
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._passing = asyncio.Event()
        self._passing.set()
        self._served: set[asyncio.Task[None]] = set()
        self._listener = _bound(0)
        self._accepting: asyncio.Task[None] | None = None
        self.port: int = self._listener.getsockname()[1]

    @property
    def connections(self) -> int:
        """Return how many connections stand."""
        return len(self._served)

    def start(self) -> None:
        """Take connections from now on."""
        self._thread.start()
        self._do(self._listen)

    def close(self) -> None:
        """Reset every connection and take no more."""
        self._do(self._refuse)
        self._do(self._reset_all)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._listener.close()
        self._loop.close()

    def become(self, network: Network) -> None:
        """Change the network; it is so when this returns."""
        before, self.network = self.network, network
        hold = self._passing.clear if network is Network.BLACK_HOLE else self._passing.set
        self._do(hold)
        if network is Network.REFUSED:
            self._do(self._refuse)
        elif before is Network.REFUSED:
            self._do(self._listen)
        if network in {Network.REFUSED, Network.RESET}:
            self._do(self._reset_all)

    def retarget(self, target: tuple[str, int]) -> None:
        """Lead to another server from now on, as who moves an address does."""
        self.target = target
        self._do(self._reset_all)

    def _do(self, work: Callable[[], None]) -> None:
        """Do *work* in the thread of the loop, and return when it has seen the consequences."""
        done = threading.Event()

        def act() -> None:
            work()
            self._loop.call_later(_SETTLING_SECONDS, done.set)

        self._loop.call_soon_threadsafe(act)
        if not done.wait(10):
            raise RuntimeError("the proxy does not work")

    def _listen(self) -> None:
        self._listener.listen(1024)
        self._accepting = self._loop.create_task(self._accept())

    def _refuse(self) -> None:
        """Stop listening; the port is kept, so that nobody else gets it."""
        if self._accepting:
            self._accepting.cancel()
        self._listener.close()
        self._listener = _bound(self.port)

    def _reset_all(self) -> None:
        for task in self._served:
            task.cancel()

    async def _accept(self) -> None:
        while True:
            caller, _ = await self._loop.sock_accept(self._listener)
            task = self._loop.create_task(self._serve(caller))
            self._served.add(task)
            task.add_done_callback(self._served.discard)

    async def _serve(self, caller: socket.socket) -> None:
        server = socket.socket()
        try:
            for end in (caller, server):
                end.setblocking(False)  # noqa: FBT003 - the socket's word
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._arrival()
            await self._loop.sock_connect(server, self.target)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass(caller, server, self._forth))
                ways.create_task(self._pass(server, caller, self._back))
        except* OSError:
            _reset_on_close(caller, server)
        except* asyncio.CancelledError:
            _reset_on_close(caller, server)
        finally:
            caller.close()
            server.close()

    async def _pass(
        self,
        source: socket.socket,
        sink: socket.socket,
        way: Callable[[socket.socket, bytes], Coroutine[None, None, None]],
    ) -> None:
        while octets := await self._loop.sock_recv(source, CHUNK_BYTES):
            await self._arrival()
            await way(sink, octets)
        await self._arrival()
        with suppress(OSError):  # it has gone as well
            sink.shutdown(socket.SHUT_WR)

    async def _forth(self, sink: socket.socket, octets: bytes) -> None:
        await self._loop.sock_sendall(sink, octets)

    async def _back(self, sink: socket.socket, octets: bytes) -> None:
        if self.network is Network.MUTE:
            return
        if self.network is Network.TORN:
            await self._loop.sock_sendall(sink, octets[: len(octets) // 2])
            raise ConnectionResetError
        await self._loop.sock_sendall(sink, octets)

    async def _arrival(self) -> None:
        """Return when what was sent arrives."""
        if self.network is Network.RESET:
            raise ConnectionResetError
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        await self._passing.wait()


@contextmanager
def proxy_to(target: tuple[str, int]) -> Iterator[Proxy]:
    """Run a proxy to *target* until the block is left."""
    proxy = Proxy(target)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.close()


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setblocking(False)  # noqa: FBT003 - the socket's word
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _reset_on_close(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):  # it was never connected, or is gone
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
