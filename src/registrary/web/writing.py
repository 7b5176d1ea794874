"""Answers onto a connection, and into the record of requests."""

import asyncio
import logging
from typing import Final, NamedTuple

from uvicorn.server import ServerState

from registrary.protocol.errors import error_response
from registrary.protocol.http import HttpResponse
from registrary.web.errors import error_at
from registrary.web.exchange import Exchange
from registrary.web.gateway import Gateway, RequestSummary, opened, summary_of
from registrary.web.head import Refused
from registrary.web.wire import encode, refusal

_log: Final = logging.getLogger("registrary.web")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Refusal(NamedTuple):
    """Why nothing more is read, and the request it was found in, if its head was read.

    *path* is what the request line named, as far as it was read.
    """

    why: Refused
    exchange: Exchange | None
    path: str


class Writer:
    """Writes the answers of one connection. Notes every request that has ended."""

    def __init__(
        self, transport: asyncio.Transport, gateway: Gateway, server_state: ServerState
    ) -> None:
        self._transport = transport
        self._gateway = gateway
        self._state = server_state
        self._source: list[tuple[bytes, bytes]] | None = None
        self._lines = b""

    def go_on(self) -> None:
        """Tell the caller that the body is wanted (RFC 9110 §15.2.1)."""
        self._transport.write(_CONTINUE)

    def answer(self, exchange: Exchange, response: HttpResponse) -> None:
        """Write *response*; where it cannot go over the wire, an error that can."""
        try:
            self._write(exchange, response)
        except (ValueError, KeyError):
            _log.exception(
                "an answer could not be written", extra={"request_id": exchange.request_id}
            )
            error = error_at(exchange.path, error_response("server_error"))
            response = opened(exchange.endpoint, error)
            self._write(exchange, response)
        self.note(exchange, response)

    def note(self, exchange: Exchange, response: HttpResponse) -> None:
        """Note an answer that nobody waits for any more, or that is written."""
        self._gateway.finished(
            summary_of(exchange.endpoint, exchange.request, response, started=exchange.started)
        )

    def refuse(self, refused: Refusal, *, peer: str) -> None:
        """Write and note a refusal, the last word on the connection."""
        exchange = refused.exchange
        method = "" if exchange is None else exchange.head.method
        endpoint = None if exchange is None else exchange.endpoint
        request_id = self._gateway.new_request_id() if exchange is None else exchange.request_id
        address = refused.path if endpoint is None else endpoint.template
        response = opened(endpoint, error_at(address, refusal(refused.why)))
        shared = self._shared(request_id)
        self._transport.write(
            encode(response, shared=shared, closing=True, for_head=method == "HEAD")
        )
        self._gateway.finished(
            RequestSummary(
                method=method,
                template="" if endpoint is None else endpoint.template,
                status=response.status,
                microseconds=0,
                sent_bytes=len(response.body),
                request_id=request_id,
                peer=peer if exchange is None else exchange.peer,
            )
        )

    def _write(self, exchange: Exchange, response: HttpResponse) -> None:
        self._transport.write(
            encode(
                response,
                shared=self._shared(exchange.request_id),
                closing=not exchange.keep_alive,
                for_head=exchange.head.method == "HEAD",
            )
        )

    def _shared(self, request_id: str) -> bytes:
        """Return the header lines every answer has; uvicorn renews the date every second."""
        source = self._state.default_headers
        if source is not self._source:
            self._source = source
            self._lines = b"".join(b"%b: %b\r\n" % header for header in source)
        return b"%bx-request-id: %b\r\n" % (self._lines, request_id.encode())
