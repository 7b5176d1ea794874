"""Addresses for operators: is it alive, is it ready, what has it counted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from registrary.ports.store import StoreUnavailable
from registrary.protocol.bearer import BearerToken, bearer_token
from registrary.protocol.errors import bare_challenge, error_response
from registrary.protocol.http import JSON, NO_STORE, HttpRequest, HttpResponse
from registrary.protocol.routes import Route

Probe = Callable[[], Awaitable[str | None]]
"""Tells what is wrong, in words for operators, or None; may raise `StoreUnavailable`."""

METRICS_TYPE: Final = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")


@dataclass(frozen=True, slots=True)
class OperationEndpoints:
    """*probes* are run by name for readiness; *is_admin* judges a bearer token's text.

    *turn_away* counts an address whose token is not good; it returns how long that address has
    to wait when it came too often.
    """

    probes: dict[str, Probe]
    metrics: Callable[[], bytes]
    is_admin: Callable[[str], Awaitable[bool]]
    turn_away: Callable[[str], timedelta | None]

    async def alive(self, request: HttpRequest) -> HttpResponse:
        """Say that the process answers."""
        del request
        return HttpResponse(200, (JSON, *NO_STORE), b'{"status":"ok"}')

    async def ready(self, request: HttpRequest) -> HttpResponse:
        """Say whether requests can be served; which part cannot, but not why."""
        del request
        parts = {name: await _is_good(probe) for name, probe in self.probes.items()}
        status = 200 if all(parts.values()) else 503
        body = {
            "status": "ready" if status == 200 else "unready",  # noqa: PLR2004 - HTTP OK
            "parts": {name: "ok" if good else "failed" for name, good in parts.items()},
        }
        return HttpResponse(status, (JSON, *NO_STORE), msgspec.json.encode(body))

    async def count(self, request: HttpRequest) -> HttpResponse:
        """Show the counters, to those with an admin token."""
        token = bearer_token(request)
        if not isinstance(token, BearerToken):
            return bare_challenge("an admin token is required")
        if await self.is_admin(token.text):
            return await self.count_openly(request)
        wait = self.turn_away(request.peer)
        if wait is not None:
            return error_response("too_many_requests", retry_after=wait)
        return error_response("invalid_token", "the admin token is not valid")

    async def count_openly(self, request: HttpRequest) -> HttpResponse:
        """Show the counters to whoever can connect."""
        del request
        return HttpResponse(200, (METRICS_TYPE, *NO_STORE), self.metrics())

    def health_routes(self) -> tuple[Route, ...]:
        """Return the addresses at which a supervisor asks how the server is."""
        return (Route("/healthz", {"GET": self.alive}), Route("/readyz", {"GET": self.ready}))

    def routes(self) -> tuple[Route, ...]:
        """Return the addresses of a listener that serves everything; no metadata announces them."""
        return (*self.health_routes(), Route("/metrics", {"GET": self.count}))

    def admin_listener_routes(self) -> tuple[Route, ...]:
        """Return the addresses of a listener that only operators can reach."""
        return (*self.health_routes(), Route("/metrics", {"GET": self.count_openly}))


async def _is_good(probe: Probe) -> bool:
    try:
        return await probe() is None
    except StoreUnavailable:
        return False
