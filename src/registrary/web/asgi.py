"""The server's life as an ASGI application; its requests come by `HttpProtocol`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from registrary.ports.kept_store import KeysUnusable
from registrary.ports.store import StoreUnavailable
from registrary.web.gateway import Gateway

Message = MutableMapping[str, Any]  # Any: ASGI's dictionaries have a value type per key
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Lifespan = Callable[[], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _no_lifespan() -> AsyncIterator[None]:
    yield


class Application:
    """What uvicorn loads, starts and stops: the gateway, and what surrounds its work.

    *by_port* are gateways that serve a port of their own instead. *lifespan* surrounds the time in
    which requests are served: an exception on entering stops the server from starting.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        by_port: Mapping[int, Gateway] | None = None,
        lifespan: Lifespan = _no_lifespan,
    ) -> None:
        self.gateway = gateway
        self._by_port = by_port or {}
        self._lifespan = lifespan

    def gateway_at(self, port: int) -> Gateway:
        """Return who serves the connections accepted on *port*."""
        return self._by_port.get(port, self.gateway)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Live through the life of the server; requests do not come this way."""
        if scope["type"] != "lifespan":
            raise NotImplementedError("requests are served by HttpProtocol")
        await receive()
        try:
            await self._live(scope, receive, send)
        except (StoreUnavailable, KeysUnusable) as error:
            if "gateway_at" not in scope["state"]:
                # One line: a worker is begun again every few seconds until the database is back.
                message = f"the server cannot start: {error}"
                await send({"type": "lifespan.startup.failed", "message": message})
            raise

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        async with self._lifespan():
            scope["state"]["gateway_at"] = self.gateway_at  # where every connection finds it
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})
