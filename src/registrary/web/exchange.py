"""One request between its first header and its answer."""

import asyncio

from registrary.protocol.http import HttpRequest
from registrary.web.dispatch import Endpoint
from registrary.web.head import Head


class _NoEvent:
    """Nobody waits for the parts of a request that is handed over whole."""

    def set(self) -> None:
        """Do nothing."""


class Exchange:
    """A request that one of our endpoints answers.

    It stands where uvicorn keeps the state of an ASGI request (``cycle``), so that both kinds
    may follow each other on a connection; *keep_alive*, *disconnected*, *response_complete* and
    *message_event* are what uvicorn looks at.
    """

    __slots__ = (
        "body_bytes",
        "chunks",
        "disconnected",
        "endpoint",
        "expects_continue",
        "head",
        "keep_alive",
        "limit_bytes",
        "path",
        "peer",
        "request",
        "request_id",
        "response_complete",
        "started",
        "task",
    )

    message_event = _NoEvent()

    def __init__(self, head: Head, endpoint: Endpoint | None, *, path: str, peer: str) -> None:
        self.head = head
        self.endpoint = endpoint
        self.path = path
        self.peer = peer
        self.chunks: list[bytes] = []
        self.body_bytes = 0
        self.expects_continue = head.expects_continue
        self.disconnected = False
        self.response_complete = False
        self.started = 0.0  # time.perf_counter, when the request was complete
        # Set when the request is complete:
        self.request: HttpRequest
        self.task: asyncio.Task[None]
        # Set by the connection:
        self.keep_alive: bool
        self.limit_bytes: int
        self.request_id: str

    def complete(self) -> HttpRequest:
        """Return the request, now that its body is whole."""
        head = self.head
        self.request = HttpRequest(
            method=head.method,
            path=self.path,
            query=head.query,
            headers=head.headers,
            body=b"".join(self.chunks),
            peer=self.peer,
            request_id=self.request_id,
        )
        return self.request
