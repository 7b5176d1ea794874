"""One way out: every connection to an address that a stranger chose is made here.

httpcore2 is used without httpx2 on top: what follows redirects, keeps cookies, decodes bodies
and asks the environment for proxies is not switched off here, it is not there.
"""

import asyncio
import logging
import ssl
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, Generic, Protocol, TypeVar

import httpcore2

from registrary.core.addresses import Address
from registrary.outbound.budgets import Budget, Memory, Monotonic
from registrary.outbound.connector import PinnedBackend
from registrary.outbound.policy import OutboundPolicy
from registrary.outbound.resolver import Resolver
from registrary.outbound.sites import site_of
from registrary.outbound.standing import Standings
from registrary.outbound.target import Target, parse_target
from registrary.outbound.turns import Turns
from registrary.ports.fetcher import FetchRefused, Refusal

_REFUSED_HOSTS_KEPT: Final = timedelta(seconds=30)
_HEADER_BYTES: Final = 32 * 1024  # all that is not body: headers, interim answers, trailers
_ADDRESSES_JUDGED: Final = 64  # a host with more is refused

_log = logging.getLogger("registrary.outbound")

T = TypeVar("T")


class Bounds(Protocol):
    """Why a connection is made, and with that how much of it there may be."""

    @property
    def name(self) -> str:
        """Return what budgets and logs call it."""
        ...

    @property
    def limit_bytes(self) -> int:
        """Return how long the body of the answer may be."""
        ...

    @property
    def deadline(self) -> timedelta:
        """Return how long it all may take, from waiting for a turn to the last byte."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange(Generic[T]):
    """What is sent, and what makes a result of the answer; *read* raises FetchRefused.

    *headers* are sent besides those that every request has.
    """

    method: str
    headers: Sequence[tuple[str, str]]
    read: Callable[[httpcore2.Response], Awaitable[T]]
    body: bytes = b""


class Guard:
    """Makes exchanges with strangers' servers under an `OutboundPolicy`.

    Each exchange resolves the host once, judges every address, and opens a connection of its own
    to one of them: a kept connection would be used under a judgement that is no longer true.
    Hosts that led to a forbidden address are refused for half a minute without a look-up, and
    those that kept us waiting wait for each other; documents are never remembered, good or bad.
    """

    def __init__(
        self,
        policy: OutboundPolicy,
        resolver: Resolver,
        *,
        tls: ssl.SSLContext,
        monotonic: Monotonic = time.monotonic,
        backend: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        self._policy = policy
        self._resolver = resolver
        self._tls = tls
        self._backend = backend
        self._turns = defaultdict[str, Turns](lambda: Turns(policy))
        self._standings = Standings(monotonic)
        self._host_budget = Budget(policy.host_rate, monotonic)
        self._address_budget = Budget(policy.address_rate, monotonic)
        self._refused_hosts = Memory(_REFUSED_HOSTS_KEPT, monotonic)

    async def exchange(self, url: str, exchange: Exchange[T], *, bounds: Bounds) -> T:
        """Return what *exchange* makes of the answer of *url*.

        Raises FetchRefused, and nothing else, when there is none or not one to be read.
        """
        host = "a URL"
        try:
            target = parse_target(url, self._policy)
            host = target.host
            self._admit(target, bounds)
            async with asyncio.timeout(bounds.deadline.total_seconds()):
                return await self._in_turn(target, exchange, bounds)
        except FetchRefused as refusal:
            _report(bounds, host, refusal)
            raise
        except Exception as error:  # a boundary: whatever happened becomes ours
            refused = _as_refusal(error)
            _report(bounds, host, refused)
            raise refused from error

    def _admit(self, target: Target, bounds: Bounds) -> None:
        """Refuse what needs neither a look-up nor a connection to be refused."""
        if target.address is not None:
            self._judge(target.host, [target.address])
        if self._refused_hosts.holds(target.host):
            raise FetchRefused(Refusal.ADDRESS, f"{target.host} led to a forbidden address lately")
        if not self._host_budget.take(f"{bounds.name} {target.host}"):
            raise FetchRefused(Refusal.BUDGET, f"{target.host} was asked too often lately")

    async def _in_turn(self, target: Target, exchange: Exchange[T], bounds: Bounds) -> T:
        names = _names_of(target)
        standing = self._standings.of(names)
        async with self._turns[bounds.name].of(target.host, standing):
            with self._standings.watch(names, deadline=bounds.deadline):
                return await self._now(target, exchange, bounds)

    async def _now(self, target: Target, exchange: Exchange[T], bounds: Bounds) -> T:
        addresses = await self._vetted_addresses(target)
        if not self._address_budget.take(str(addresses[0])):
            raise FetchRefused(Refusal.BUDGET, f"{addresses[0]} was asked too often lately")
        return await self._over_connection(target, addresses, exchange, limit=bounds.limit_bytes)

    async def _vetted_addresses(self, target: Target) -> Sequence[Address]:
        if target.address is not None:
            return [target.address]
        addresses = await self._resolver.resolve(target.host, target.port)
        self._judge(target.host, addresses)
        return addresses

    def _judge(self, host: str, addresses: Sequence[Address]) -> None:
        """Refuse *host* unless every one of its *addresses* may be connected to."""
        if not 0 < len(addresses) <= _ADDRESSES_JUDGED:
            raise FetchRefused(Refusal.UNRESOLVED, f"{host} has {len(addresses)} addresses")
        for address in addresses:
            if not self._policy.allows(address):
                self._refused_hosts.note(host)
                raise FetchRefused(Refusal.ADDRESS, f"{host} leads to {address}")

    async def _over_connection(
        self, target: Target, addresses: Sequence[Address], exchange: Exchange[T], *, limit: int
    ) -> T:
        url = httpcore2.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.target
        )
        network = PinnedBackend(
            addresses,
            allows=self._policy.allows,
            limit_bytes=2 * limit + _HEADER_BYTES,  # twice: framing of small chunks
            backend=self._backend,
        )
        connection = httpcore2.AsyncHTTPConnection(
            url.origin, ssl_context=self._tls, network_backend=network
        )
        headers = _request_headers(target, exchange.headers)
        content = exchange.body or None
        try:
            async with connection.stream(
                exchange.method, url, headers=headers, content=content
            ) as response:
                return await exchange.read(response)
        finally:
            await connection.aclose()
            await network.aclose()


def _names_of(target: Target) -> Sequence[str]:
    """Return what *target* is known by, the narrowest name first; none of them is long."""
    url = f"{target.scheme}://{target.host_header}{target.target}"
    return sha256(url.encode()).hexdigest(), target.host, f"site {site_of(target.host)}"


def _request_headers(
    target: Target, others: Sequence[tuple[str, str]]
) -> Sequence[tuple[str, str]]:
    return [
        ("Host", target.host_header),
        ("User-Agent", "registrary"),
        *others,
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]


_REFUSALS: Final[Sequence[tuple[type[Exception], Refusal]]] = (
    (TimeoutError, Refusal.DEADLINE),
    (httpcore2.TimeoutException, Refusal.DEADLINE),
    (httpcore2.NetworkError, Refusal.CONNECTION),
    (httpcore2.ProtocolError, Refusal.CONNECTION),
    (OSError, Refusal.CONNECTION),
)


def _as_refusal(error: Exception) -> FetchRefused:
    for kind, refusal in _REFUSALS:
        if isinstance(error, kind):
            # Cut short: the text of a protocol error quotes the other side at any length.
            return FetchRefused(refusal, f"{type(error).__name__}: {str(error)[:200]}")
    # Not foreseen, so perhaps a mistake of ours; the request that asked still gets its answer.
    _log.error("unforeseen failure of a fetch", exc_info=error)
    return FetchRefused(Refusal.CONNECTION, type(error).__name__)


def _report(bounds: Bounds, host: str, refused: FetchRefused) -> None:
    # The host and no more: paths and queries may hold what should not be in logs.
    _log.info("%s at %s: %s (%s)", bounds.name, host, refused.refusal, refused.detail)
