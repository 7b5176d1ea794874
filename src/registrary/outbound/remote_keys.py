"""The keys clients publish at their ``jwks_uri``, kept for a while."""

import asyncio
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from registrary.core.errors import FieldError
from registrary.core.jwk import usable_keys
from registrary.core.strict_json import JsonError, parse_object
from registrary.outbound.budgets import Budget, Monotonic
from registrary.ports.fetcher import JWKS_URI, Fetched, Fetcher, FetchRefused, Refusal
from registrary.ports.limiter import Rate

_USUAL_LIFETIME: Final = timedelta(minutes=5)  # where the server names none
_SHORTEST_LIFETIME: Final = timedelta(seconds=30)  # else each use of a key would be a fetch
_LONGEST_LIFETIME: Final = timedelta(hours=1)  # a key taken back must stop working some day
_GRACE: Final = timedelta(minutes=15)  # a server that is away does not lock its clients out
# Unknown kids cost whoever sends them nothing: six fetches at once, then one in ten seconds.
# Clients that change keys and use the new one within a minute are served (spec row T-68).
_RENEWALS: Final = Rate(6, timedelta(minutes=1))
# Nor do made-up assertions of a client whose keys cannot be had: two failures at once, so that keys
# published a moment after the first are found, then one in ten seconds. What is remembered is that
# we asked, never a document.
_FAILURES: Final = Rate(2, timedelta(seconds=20))
_KEPT_BYTES: Final = 4 * 1024 * 1024  # of documents as they were served, over all URLs
_ENTRY_BYTES: Final = 512  # charged for an entry beside its document

_log = logging.getLogger("registrary.outbound")


@dataclass(frozen=True, slots=True)
class _KeySet:
    """A fetched JWK Set: *fresh_until* it needs no fetch, *usable_until* it stands in for one."""

    jwks: dict[str, Any]  # Any: members are any JSON value
    fresh_until: float
    usable_until: float
    size_bytes: int

    def has(self, kid: str) -> bool:
        return any(key.get("kid") == kid for key in self.jwks["keys"])


class CachedRemoteKeys:
    """Fetches and keeps JWK Sets; implements ``ports.remote_keys.RemoteKeys``.

    A set is kept as long as its server says, within bounds. Callers who ask for the same set at
    the same time share one fetch. When a fetch fails, a set that went stale a short while ago is
    used once more: the failure may be of an attacker's making. A URL that failed twice is left
    alone for a while, since the budget of its host is shared with other clients.
    """

    def __init__(self, fetcher: Fetcher, *, monotonic: Monotonic = time.monotonic) -> None:
        self._fetcher = fetcher
        self._monotonic = monotonic
        self._kept: OrderedDict[str, _KeySet] = OrderedDict()
        self._kept_bytes = 0
        self._renewals = Budget(_RENEWALS, monotonic)
        self._failures = Budget(_FAILURES, monotonic)
        self._flights: dict[str, asyncio.Task[_KeySet]] = {}

    async def keys(self, url: str, *, kid: str | None) -> dict[str, Any]:  # Any: any JSON value
        """Return the JWK Set at *url*, fetched again when it lacks *kid*; not to be changed."""
        kept = self._kept.get(url)
        if kept is None or self._monotonic() >= kept.fresh_until:
            return (await self._renewed(url)).jwks
        self._kept.move_to_end(url)
        if kid is not None and not kept.has(kid):
            return (await self._renewed(url)).jwks
        return kept.jwks

    async def renewed(self, url: str) -> dict[str, Any]:  # Any: any JSON value
        """Return the JWK Set at *url*, fetched again as far as the rate allows."""
        return (await self._renewed(url)).jwks

    async def _renewed(self, url: str) -> _KeySet:
        kept = self._kept.get(url)
        if kept is None or self._monotonic() >= kept.usable_until:
            return await self._fetch_once(url)
        if url not in self._flights and not self._may_renew(url):
            return kept
        try:
            return await self._fetch_once(url)
        except FetchRefused:
            return kept

    def _may_renew(self, url: str) -> bool:
        return not self._failures.is_spent(url) and self._renewals.take(url)

    async def _fetch_once(self, url: str) -> _KeySet:
        flight = self._flights.get(url)
        if flight is None:
            if self._failures.is_spent(url):
                raise FetchRefused(Refusal.BUDGET, "the URL failed too often lately")
            flight = asyncio.create_task(self._fetch(url))
            self._flights[url] = flight
            flight.add_done_callback(lambda done: self._land(url, done))
        # Shielded: the one who asked first may hang up, the others still wait for the answer.
        return await asyncio.shield(flight)

    def _land(self, url: str, flight: asyncio.Task[_KeySet]) -> None:
        del self._flights[url]
        if not flight.cancelled():
            flight.exception()  # marks it as seen: perhaps nobody waits any longer

    async def _fetch(self, url: str) -> _KeySet:
        try:
            return await self._fetch_uncounted(url)
        except FetchRefused as refused:
            if refused.refusal is not Refusal.BUDGET:  # nothing was asked of it then
                self._failures.take(url)
            raise

    async def _fetch_uncounted(self, url: str) -> _KeySet:
        fetched = await self._fetcher.fetch(url, purpose=JWKS_URI)
        try:
            jwks = usable_keys(parse_object(fetched.body))
        except (JsonError, FieldError) as error:
            _log.info("jwks_uri at %s: not a JWK Set: %s", urlsplit(url).hostname, error)
            raise FetchRefused(Refusal.CONTENT, f"not a JWK Set: {error}") from error
        key_set = self._bounded(jwks, fetched)
        self._keep(url, key_set)
        return key_set

    def _bounded(self, jwks: dict[str, Any], fetched: Fetched) -> _KeySet:  # Any: any JSON value
        wished = _USUAL_LIFETIME if fetched.fresh_for is None else fetched.fresh_for
        lifetime = min(max(wished, _SHORTEST_LIFETIME), _LONGEST_LIFETIME)
        fresh_until = self._monotonic() + lifetime.total_seconds()
        usable_until = fresh_until + _GRACE.total_seconds()
        return _KeySet(jwks, fresh_until, usable_until, _ENTRY_BYTES + len(fetched.body))

    def _keep(self, url: str, key_set: _KeySet) -> None:
        self._drop(url)
        self._kept[url] = key_set
        self._kept_bytes += key_set.size_bytes
        while self._kept_bytes > _KEPT_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, url: str) -> None:
        dropped = self._kept.pop(url, None)
        if dropped is not None:
            self._kept_bytes -= dropped.size_bytes
