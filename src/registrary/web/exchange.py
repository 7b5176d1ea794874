"""One request between its first header and its answer."""

import asyncio

from registrary.protocol.http import HttpRequest
from registrary.web.dispatch import Endpoint
from registrary.web.head import Head


class Exchange:
    """A request, and what its connection has to know to answer it.

    *path* is the path as the endpoint sees it. *keep_alive* tells whether another request may
    follow on the connection. *answered* is true once an answer is out, or cannot get out any more.
    """

    __slots__ = (
        "answered",
        "chunks",
        "client_certificate",
        "endpoint",
        "expects_continue",
        "head",
        "keep_alive",
        "path",
        "peer",
        "request",
        "request_id",
        "started",
        "task",
    )

    def __init__(self, head: Head, endpoint: Endpoint | None, *, path: str, peer: str) -> None:
        self.head = head
        self.endpoint = endpoint
        self.path = path
        self.peer = peer
        self.chunks: list[bytes] = []
        self.expects_continue = head.expects_continue
        self.answered = False
        # Set by whoever reads it:
        self.client_certificate: bytes | None
        self.keep_alive: bool
        self.request_id: str
        # Set when it is whole, and when its endpoint begins:
        self.request: HttpRequest
        self.started: float  # time.perf_counter
        self.task: asyncio.Task[None]

    def complete(self) -> None:
        """Make the request, now that its body is whole."""
        head = self.head
        self.request = HttpRequest(
            method=head.method,
            path=self.path,
            query=head.query,
            headers=head.headers,
            body=b"".join(self.chunks),
            peer=self.peer,
            request_id=self.request_id,
            client_certificate=self.client_certificate,
        )
