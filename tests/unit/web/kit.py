"""A gateway with a few endpoints, and the protocol class serving it on a real socket."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final, cast

import uvicorn
from uvicorn.server import ServerState

from registrary.protocol.http import HttpRequest, HttpResponse, Page
from registrary.protocol.routes import Route
from registrary.web.asgi import Application
from registrary.web.callers import NO_PROXIES, TrustedProxies
from registrary.web.gateway import Gateway, GatewaySettings, RequestSummary
from registrary.web.http_protocol import HttpProtocol
from registrary.web.limits import HttpLimits
from registrary.web.pages.rendering import render_page
from registrary.wiring.directory import Directory
from tests.protocol.wire import PATIENCE_SECONDS, Answer, body_length, parse_answers, parse_head

Handler = Callable[[HttpRequest], Awaitable[HttpResponse | Page]]

# Nothing is late but what a test makes late.
PATIENT: Final = HttpLimits(
    header_seconds=PATIENCE_SECONDS,
    body_seconds=PATIENCE_SECONDS,
    answer_seconds=PATIENCE_SECONDS,
    idle_seconds=PATIENCE_SECONDS,
)
SOON: Final = 0.2
"""Seconds until what a test makes late is late."""


def patient_but(limit: str) -> HttpLimits:
    """Return limits of which the one named, in seconds, is over soon."""
    # type: ignore: the limits in seconds are floats, the others are not named by tests
    return replace(PATIENT, **{limit: SOON})  # type: ignore[arg-type]


async def echo(request: HttpRequest) -> HttpResponse:
    """Answer with what was sent."""
    return HttpResponse(200, ((b"content-type", b"text/plain"),), request.body)


async def tell_path(request: HttpRequest) -> HttpResponse:
    """Answer with path and query."""
    return HttpResponse(200, (), f"{request.path}?{request.query}".encode())


async def tell_peer(request: HttpRequest) -> HttpResponse:
    """Answer with the caller's address."""
    return HttpResponse(200, (), request.peer.encode())


def route(path: str, handler: Handler, *, method: str = "GET", cors: bool = False) -> Route:
    """Return a route with one handler and a body of up to 1000 bytes."""
    return Route(path, {method: handler}, cors=cors, body_limit=1000)


ROUTES: Final = (
    route("/echo", echo, method="POST"),
    route("/open", echo, method="POST", cors=True),
    route("/path", tell_path),
    route("/peer", tell_peer),
)


@dataclass
class Place:
    """A gateway being served at *port*; *noted* are the requests that ended."""

    port: int
    state: ServerState
    noted: list[RequestSummary] = field(default_factory=list)

    def is_deserted(self) -> bool:
        """Tell whether nobody is connected."""
        return not self.state.connections

    def stop(self) -> None:
        """Tell every connection that the server is stopping."""
        for connection in list(self.state.connections):
            connection.shutdown()


def gateway_of(*routes: Route, settings: GatewaySettings | None = None) -> Gateway:
    """Return a gateway to *routes*."""
    return Gateway(Directory(routes), render_page, settings)


@asynccontextmanager
async def serving(
    *routes: Route, limits: HttpLimits = PATIENT, proxies: TrustedProxies = NO_PROXIES
) -> AsyncIterator[Place]:
    """Serve *routes* beside `ROUTES` for the length of the block."""
    state = ServerState()
    place = Place(0, state)
    settings = GatewaySettings(limits=limits, proxies=proxies, on_finished=place.noted.append)
    application = Application(gateway_of(*ROUTES, *routes, settings=settings))
    app_state = {"gateway_at": application.gateway_at}
    config = uvicorn.Config("never loaded")
    server = await asyncio.get_running_loop().create_server(
        lambda: HttpProtocol(config, state, app_state), "127.0.0.1", 0
    )
    place.port = server.sockets[0].getsockname()[1]
    async with server:
        yield place


async def eventually(holds: Callable[[], bool]) -> None:
    """Return when *holds* does."""
    for _ in range(PATIENCE_SECONDS * 100):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError("it does not come true")


class Line:
    """A connection to a place."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *parts: bytes) -> None:
        """Send *parts*."""
        self.writer.writelines(parts)

    def stop_taking(self) -> None:
        """Take nothing more of what is sent."""
        transport = self.writer.transport
        # uvloop's transports read and write without deriving from the class
        cast("asyncio.ReadTransport", transport).pause_reading()

    def hang_up(self) -> None:
        """Close the connection."""
        self.writer.close()

    def reset(self) -> None:
        """Break the connection off, as a crash or a lost line does."""
        option = struct.pack("ii", 1, 0)
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
        self.writer.transport.abort()

    def finish_sending(self) -> None:
        """Close our half of the connection."""
        self.writer.write_eof()

    async def answer(self, *, to_head: bool = False) -> Answer:
        """Return the next answer; *to_head* if the request was HEAD, so that no body comes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            answer = parse_head(head.removesuffix(b"\r\n\r\n"))
            length = 0 if to_head else body_length(answer)
            return replace(answer, body=await self.reader.readexactly(length))

    async def rest(self) -> bytes:
        """Return everything until the server closes its half."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read()

    async def answers(self) -> list[Answer]:
        """Return all answers until the server closes its half."""
        return parse_answers(await self.rest())


@asynccontextmanager
async def connected(place: Place) -> AsyncIterator[Line]:
    """Connect to *place*."""
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


def get(path: str, *headers: str) -> bytes:
    """Return a GET request."""
    lines = (f"GET {path} HTTP/1.1", "Host: server.example", *headers)
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    """Return a POST request with the length of its body."""
    head = get(path, *headers, f"Content-Length: {len(body)}").replace(b"GET", b"POST", 1)
    return head + body
