"""Requests as they come off a connection: parsed, bounded in size and time, judged, made whole.

The parser (llhttp) bounds nothing and waits for ever; here every part of a request has a size and
a time.
"""

import logging
from collections.abc import Callable
from enum import Enum
from math import inf
from typing import Final, NamedTuple

import httptools

from registrary.web.callers import without_default_port
from registrary.web.deadlines import Deadlines
from registrary.web.exchange import Exchange
from registrary.web.gateway import Gateway, too_large
from registrary.web.head import Head, Headers, Refused, judge_head

_log: Final = logging.getLogger("registrary.web")

PIECE: Final = 16 * 1024  # bytes given to the parser at once, so that limits bite in time
_CHUNK_OVERHEAD: Final = 8  # bytes on the wire per byte of body: one-byte chunks have six


class Stage(Enum):
    """What is being read."""

    IDLE = "nothing: between requests"
    HEAD = "request line and headers"
    BODY = "body"
    OVER = "nothing more: what still comes is thrown away"


class Peer(NamedTuple):
    """The other end of a connection. *is_proxy* tells whether its forwarding headers count.

    *certificate* is the DER of what it proved in TLS.
    """

    address: str
    scheme: str
    is_proxy: bool
    certificate: bytes | None = None


class _Enough(Exception):
    """Nothing behind the request that has just been read is read."""


class Reader:
    """Reads the requests of one connection, and hands each over when it is whole.

    Its ``on_…`` methods are called by the parser. Time is *now* of the loop; the deadline for
    reading is set here, and passed to whoever watches it.
    """

    def __init__(
        self,
        gateway: Gateway,
        peer: Peer,
        *,
        deadlines: Deadlines,
        now: Callable[[], float],
        deliver: Callable[[Exchange], None],
    ) -> None:
        self.stage = Stage.IDLE
        self.exchange: Exchange | None = None  # whose body is read
        self._gateway = gateway
        self._peer = peer
        self._deadlines = deadlines
        self._now = now
        self._deliver = deliver
        self._limits = limits = gateway.limits
        self._small = min(limits.request_line_bytes, limits.header_bytes)
        self._seconds = {
            Stage.IDLE: limits.idle_seconds,
            Stage.HEAD: limits.header_seconds,
            Stage.BODY: limits.body_seconds,
        }
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._offers_upgrade = False
        self._piece = 0  # bytes of the piece being parsed
        self._received = 0  # bytes of the head or body being read, before that piece
        self._body_bytes = 0
        self._body_limit = 0

    @property
    def path(self) -> str:
        """Return the path of the request that was last read, as far as it was."""
        return self._target.partition(b"?")[0].decode("latin-1")

    def feed(self, piece: bytes) -> None:
        """Read on; raises `Refused` where nothing behind *piece* can be understood."""
        if self.stage is Stage.OVER:
            return
        self._piece = len(piece)
        try:
            self._parse(piece)
        except httptools.HttpParserError as error:
            self._judge_stop(error)
        if self.stage is Stage.HEAD or self.stage is Stage.BODY:
            self._bound()

    def stop(self) -> Exchange | None:
        """Read nothing more; return the request that will never be whole, if it has a head."""
        self.stage = Stage.OVER
        exchange, self.exchange = self.exchange, None
        return exchange

    def allow_time(self) -> None:
        """Give the caller, from now, the time for what he is about to send."""
        self._deadlines.read = self._now() + self._seconds[self.stage]

    def lateness(self) -> Refused:
        """Return the refusal of a request that took too long to arrive."""
        part = "headers" if self.stage is Stage.HEAD else "body"
        return Refused(408, f"the {part} took too long")

    # Between pieces

    def _parse(self, data: bytes) -> None:
        """Parse *data*; a request that offers another protocol is read again without the offer.

        RFC 9110 §7.8 lets a server ignore the offer. The parser takes it for accepted and reads no
        body; and Java's HTTP client offers h2c by default, so refusing would lock it out.
        """
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                data = self._head_without_offer() + data[offer.args[0] :]
            else:
                return

    def _head_without_offer(self) -> bytes:
        """Return the head just read but for ``Upgrade``; the parser has let no line break in."""
        old = self._parser
        request_line = b"%b %b HTTP/%b\r\n" % (
            old.get_method(),
            self._target,
            old.get_http_version().encode(),
        )
        kept = (b"%b: %b\r\n" % line for line in self._headers if line[0] != b"upgrade")
        self._parser = httptools.HttpRequestParser(self)
        return b"".join((request_line, *kept, b"\r\n"))

    def _judge_stop(self, error: httptools.HttpParserError) -> None:
        """Raise what the parser, or one of our methods within it, stopped for."""
        cause = error.__context__
        if isinstance(cause, _Enough):
            self.stage = Stage.OVER
        elif isinstance(cause, Refused):
            raise cause
        elif isinstance(error, httptools.HttpParserCallbackError):
            _log.error("a request could not be read", exc_info=cause)
            raise Refused(500, "the request could not be read", code="server_error")
        else:
            raise Refused(400, "this is not HTTP/1.1, or the method is not known")

    def _bound(self) -> None:
        """Bound the rest of a request that has not arrived in one piece."""
        if self._received == 0:
            self.allow_time()
        self._received += self._piece
        limits = self._limits
        # Counted by pieces, one of which may have begun with something else: that is the slack.
        if self.stage is Stage.HEAD:
            if self._received > limits.request_line_bytes + limits.header_bytes + PIECE:
                raise _head_too_large()
        elif self._received > self._body_limit * _CHUNK_OVERHEAD + PIECE:
            # Chunk extensions and trailers: bytes that never count as body.
            raise Refused(413, "the chunks are too wasteful", code="request_too_large")

    # Called by the parser

    def on_message_begin(self) -> None:
        """Start afresh."""
        self._target = b""
        self._headers = []
        self._received = 0
        self.stage = Stage.HEAD

    def on_url(self, target: bytes) -> None:
        """Take the request target, or a part of it."""
        self._target += target
        if len(self._target) > self._limits.request_line_bytes:
            raise _head_too_large()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header line (RFC 9110 §5.5: trailing whitespace is no part of the value)."""
        self._headers.append((name.lower(), value.rstrip()))

    def on_headers_complete(self) -> None:
        """Judge the head and find who answers, before a byte of body is looked at."""
        parser = self._parser
        method, headers = parser.get_method(), tuple(self._headers)
        self._check_size(method, headers)
        version = parser.get_http_version()
        head = judge_head(method.decode(), self._target, version=version, headers=headers)
        self._offers_upgrade = parser.should_upgrade()
        if self._offers_upgrade:
            return
        self._headers = []  # trailers end up here, and nobody reads them (RFC 9110 §6.5.1)
        self._received = self._body_bytes = 0
        self.stage = Stage.BODY
        self._begin(head, keep_alive=version != "1.0" and parser.should_keep_alive())

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, up to the limit of who answers."""
        self._body_bytes += len(body)
        if self._body_bytes > self._body_limit:
            raise too_large(self._body_limit)
        if self.exchange is not None:
            self.exchange.chunks.append(body)

    def on_message_complete(self) -> None:
        """Hand the request over."""
        exchange, self.exchange = self.exchange, None
        if self._offers_upgrade or exchange is None:
            return
        self.stage = Stage.IDLE
        self._deadlines.read = inf
        exchange.complete()
        self._deliver(exchange)
        if not exchange.keep_alive:
            raise _Enough

    def _check_size(self, method: bytes, headers: Headers) -> None:
        limits = self._limits
        if len(headers) > limits.header_count:
            raise _head_too_large()
        if self._received + self._piece <= self._small:
            return  # it has come in fewer bytes than any limit
        request_line = len(method) + len(self._target) + len(b"  HTTP/1.1")
        lines = sum(len(name) + len(value) + len(b": \r\n") for name, value in headers)
        if request_line > limits.request_line_bytes or lines > limits.header_bytes:
            raise _head_too_large()

    def _begin(self, head: Head, *, keep_alive: bool) -> None:
        """Find the endpoint of *head* and get ready for its body."""
        gateway, (address, scheme, is_proxy, certificate) = self._gateway, self._peer
        if is_proxy:
            certificate = gateway.callers.certificate(head, certificate)
            address, scheme, host = gateway.callers.caller(head, peer=address, scheme=scheme)
        else:
            host = without_default_port(head.host, scheme)
        match = gateway.find(host, head.path)
        endpoint, path = (None, head.path) if match is None else (match.endpoint, match.path)
        exchange = Exchange(head, endpoint, path=path, peer=address)
        exchange.keep_alive = keep_alive
        exchange.client_certificate = certificate
        exchange.request_id = gateway.new_request_id()
        self.exchange = exchange
        self._body_limit = limit_bytes = gateway.body_limit(endpoint)
        if head.content_length is not None and head.content_length > limit_bytes:
            raise too_large(limit_bytes)


def _head_too_large() -> Refused:
    return Refused(431, "the request line or the headers are too large")
