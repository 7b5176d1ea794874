"""Between the wire and the endpoints: finds who answers, and always has an answer."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final, NamedTuple

import msgspec

from registrary.ports.keys import UnsealError
from registrary.ports.store import Conflict, StoreUnavailable
from registrary.protocol import cors
from registrary.protocol.errors import error_response
from registrary.protocol.http import HttpRequest, HttpResponse, Page, PageRenderer
from registrary.web.callers import NO_PROXIES, Callers, TrustedProxies
from registrary.web.dispatch import Dispatcher, Endpoint
from registrary.web.errors import error_at, is_of_admin_api
from registrary.web.head import Refused
from registrary.web.limits import DEFAULT_LIMITS, HttpLimits

_log: Final = logging.getLogger("registrary.web")
_RETRY_AFTER: Final = timedelta(seconds=5)
_REQUEST_ID_BITS: Final = 80


class RequestSummary(NamedTuple):
    """What is told of a finished request. No path, header or body: those can hold tokens.

    *template* is the route, empty where no endpoint was found. *microseconds* run from the end of
    the request to its answer; *sent_bytes* count the body.
    """

    method: str
    template: str
    status: int
    microseconds: int
    sent_bytes: int
    request_id: str
    peer: str


FinishedHook = Callable[[RequestSummary], None]
"""Called once for each request, on the event loop: it must only note, not write."""


def _ignore(summary: RequestSummary) -> None:
    """Note nothing."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How requests are bounded, told apart and noted."""

    limits: HttpLimits = DEFAULT_LIMITS
    proxies: TrustedProxies = NO_PROXIES
    on_finished: FinishedHook = _ignore


class Gateway:
    """Turns requests into answers through the endpoints of a dispatcher.

    Exceptions of endpoints end here: an outage of store or keys becomes 503, a race that was lost
    again and again 409, anything else 500; without a word of their text, and an outage or fault
    with one log record that has the request id.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        render_page: PageRenderer,
        settings: GatewaySettings | None = None,
    ) -> None:
        settings = settings or GatewaySettings()
        self.find = dispatcher.find
        self.limits = settings.limits
        self.callers = Callers(settings.proxies)
        self._render_page = render_page
        self._on_finished = settings.on_finished
        # Names a request in logs and decides nothing, so it need not be unguessable: four times
        # cheaper than a UUID.
        self._random_bits = Random().getrandbits  # noqa: S311 - see above

    def new_request_id(self) -> str:
        """Return the id of one more request. Ids from outside are never taken over."""
        return f"{self._random_bits(_REQUEST_ID_BITS):020x}"

    def body_limit(self, endpoint: Endpoint | None) -> int:
        """Return how many bytes of body are read for *endpoint*."""
        return self.limits.body_bytes if endpoint is None else endpoint.body_limit

    async def answer(self, endpoint: Endpoint | None, request: HttpRequest) -> HttpResponse:
        """Return the answer of *endpoint* to *request*, or an error in its place."""
        if endpoint is None:
            return self._nowhere(request)
        try:
            if request.method in endpoint.methods:
                answer = await endpoint(request)
            else:
                answer = await _unlisted_method(endpoint, request)
            if isinstance(answer, Page):
                answer = self._render_page(answer)
        except StoreUnavailable as error:
            # One line, no trace: where writing fails, every request would add one to the disk.
            _log.error(
                "the store is unavailable: %s",
                error,
                extra={"request_id": request.request_id, "route": endpoint.template},
            )
            answer = self.failure(endpoint, request, "temporarily_unavailable")
        except UnsealError as error:
            # One line, as above: every client that authenticates would add a trace.
            _log.error(
                "the keys do not open what is stored: %s",
                error,
                extra={"request_id": request.request_id, "route": endpoint.template},
            )
            answer = self.failure(endpoint, request, "temporarily_unavailable")
        except Conflict:
            # Others wrote the same record each time it was tried; nothing of this was stored.
            answer = error_at(endpoint.template, error_response("conflict"))
        except Exception:  # noqa: BLE001 - see below
            # The boundary: whatever went wrong, the caller gets an answer and the operator a trace.
            _log.exception(
                "request failed",
                extra={"request_id": request.request_id, "route": endpoint.template},
            )
            answer = self.failure(endpoint, request, "server_error")
        return opened(endpoint, answer)

    def _nowhere(self, request: HttpRequest) -> HttpResponse:
        """Return 404 for a path that leads to no endpoint; it is never repeated."""
        if _reads_pages(request) and not is_of_admin_api(request.path):
            return self._render_page(Page("not_found", status=404))
        error = error_response("not_found", "there is nothing at this address")
        return error_at(request.path, error)

    def late(self, endpoint: Endpoint | None, request: HttpRequest) -> HttpResponse:
        """Return the answer to a request whose endpoint takes too long."""
        _log.error(
            "request takes too long",
            extra={
                "request_id": request.request_id,
                "route": "" if endpoint is None else endpoint.template,
            },
        )
        return opened(endpoint, self.failure(endpoint, request, "temporarily_unavailable"))

    def failure(self, endpoint: Endpoint | None, request: HttpRequest, code: str) -> HttpResponse:
        """Return the error *code* as a page to people and as JSON to programs."""
        retry_after = _RETRY_AFTER if code == "temporarily_unavailable" else None
        response = error_response(code, retry_after=retry_after)
        address = request.path if endpoint is None else endpoint.template
        if is_of_admin_api(address):
            return error_at(address, response)
        if (endpoint is not None and endpoint.cors) or not _reads_pages(request):
            return response
        headers = tuple(header for header in response.headers if header[0] == b"retry-after")
        values = {"reference": request.request_id}
        return self._render_page(Page(code, response.status, values, headers))

    def finished(self, summary: RequestSummary) -> None:
        """Note a finished request; a hook that fails takes no answer with it."""
        try:
            self._on_finished(summary)
        except Exception:  # noqa: BLE001 - the answer is out already; the hook is not ours
            _log.exception("a finished request could not be noted")


def summary_of(
    endpoint: Endpoint | None, request: HttpRequest, response: HttpResponse, *, started: float
) -> RequestSummary:
    """Return what is told of *request*; *started* is of ``time.perf_counter``."""
    return RequestSummary(
        request.method,
        "" if endpoint is None else endpoint.template,
        response.status,
        int((time.perf_counter() - started) * 1_000_000),
        len(response.body),
        request.request_id,
        request.peer,
    )


async def _unlisted_method(endpoint: Endpoint, request: HttpRequest) -> HttpResponse | Page:
    methods = endpoint.methods
    if request.method == "HEAD" and "GET" in methods:
        # RFC 9110 §9.3.2; the body is left away on the wire.
        return await endpoint(msgspec.structs.replace(request, method="GET"))
    if request.method == "OPTIONS" and endpoint.cors:
        return cors.preflight(methods)
    allowed = ", ".join(sorted(methods))
    error = error_response(
        "method_not_allowed",
        f"this address takes {allowed}",
        headers=((b"allow", allowed.encode()),),
    )
    return error_at(endpoint.template, error)


def opened(endpoint: Endpoint | None, response: HttpResponse) -> HttpResponse:
    """Return *response* as scripts of any origin may read it, where the endpoint allows that."""
    if endpoint is None or not endpoint.cors:
        return response
    if cors.ANSWER_HEADERS[0] in response.headers:
        return response
    return response.with_headers(*cors.ANSWER_HEADERS)


def too_large(limit_bytes: int) -> Refused:
    """Return the refusal of a body beyond *limit_bytes*."""
    return Refused(413, f"the body exceeds {limit_bytes} bytes", code="request_too_large")


def _reads_pages(request: HttpRequest) -> bool:
    """Tell whether *request* comes from a browser that shows its answer to somebody."""
    accepted = request.header(b"accept")
    return accepted is not None and "text/html" in accepted
