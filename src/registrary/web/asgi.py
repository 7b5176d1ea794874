"""The server as an ASGI application."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from registrary.protocol.http import HttpRequest, HttpResponse
from registrary.web.callers import Caller, canonical_peer, without_default_port
from registrary.web.dispatch import Endpoint
from registrary.web.gateway import Gateway, summary_of, too_large
from registrary.web.head import Head, Refused, judge_head
from registrary.web.wire import refusal

Message = MutableMapping[str, Any]  # Any: ASGI's dictionaries have a value type per key
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]
Reply = Callable[[HttpResponse], Awaitable[None]]
Lifespan = Callable[[], AbstractAsyncContextManager[None]]

_WITHOUT_LENGTH: Final = frozenset({204, 304})


@asynccontextmanager
async def _no_lifespan() -> AsyncIterator[None]:
    yield


class Application:
    """The gateway's endpoints, and behind them an application for whatever they do not answer.

    *lifespan* surrounds the time in which requests are served: an exception on entering stops the
    server from starting.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        lifespan: Lifespan = _no_lifespan,
        otherwise: AsgiApp | None = None,
    ) -> None:
        self.gateway = gateway
        self.limits = gateway.limits
        self.otherwise = otherwise
        self._lifespan = lifespan
        self._running: set[asyncio.Task[HttpResponse]] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the whole life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            raise NotImplementedError("only HTTP is spoken here")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._lifespan():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        request_id = self.gateway.new_request_id()
        reply = partial(_send, scope=scope, send=send, request_id=request_id)
        try:
            head = _head_of(scope)
            caller = self._caller(scope, head)
            match = self.gateway.find(caller.host, head.path)
            if match is None and self.otherwise is not None:
                await self.otherwise(scope, receive, send)
                return
            endpoint = None if match is None else match.endpoint
            body = await _read_body(head, receive, limit=self.gateway.body_limit(endpoint))
        except Refused as refused:
            await reply(refusal(refused).with_headers((b"connection", b"close")))
            return
        if body is None:
            return  # the caller is gone, and nothing has begun
        request = HttpRequest(
            method=head.method,
            path=head.path if match is None else match.path,
            query=head.query,
            headers=head.headers,
            body=body,
            peer=caller.address,
            request_id=request_id,
        )
        await self._answer(endpoint, request, reply=reply)

    async def _answer(
        self, endpoint: Endpoint | None, request: HttpRequest, *, reply: Reply
    ) -> None:
        """Answer in time. What an endpoint has begun is never broken off: it may be writing."""
        started = time.perf_counter()
        task = asyncio.ensure_future(self.gateway.answer(endpoint, request))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        done, _ = await asyncio.wait((task,), timeout=self.limits.answer_seconds)
        response = task.result() if done else self.gateway.late(endpoint, request)
        await reply(response)
        self.gateway.finished(summary_of(endpoint, request, response, started=started))

    def _caller(self, scope: Message, head: Head) -> Caller:
        client = scope.get("client")
        peer = canonical_peer(client[0]) if client else ""
        scheme = scope.get("scheme", "http")
        if self.gateway.callers.trusts(peer):
            return self.gateway.callers.caller(head, peer=peer, scheme=scheme)
        return Caller(peer, scheme, without_default_port(head.host, scheme))


def _head_of(scope: Message) -> Head:
    path = scope.get("raw_path") or quote(scope["path"]).encode()
    query = scope.get("query_string", b"")
    return judge_head(
        scope["method"],
        path + b"?" + query if query else path,
        version=scope["http_version"] if scope["http_version"] == "1.0" else "1.1",
        headers=tuple((bytes(name), bytes(value)) for name, value in scope["headers"]),
    )


async def _read_body(head: Head, receive: Receive, *, limit: int) -> bytes | None:
    """Return the body, or None where the caller hung up. Raises `Refused` beyond *limit* bytes."""
    if head.content_length is not None and head.content_length > limit:
        raise too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _send(response: HttpResponse, *, scope: Message, send: Send, request_id: str) -> None:
    headers = [*response.headers, (b"x-request-id", request_id.encode())]
    if response.status not in _WITHOUT_LENGTH:
        headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else response.body
    await send({"type": "http.response.body", "body": body})
