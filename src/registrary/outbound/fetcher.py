"""Fetching what strangers point to, without becoming their hand inside the network.

httpcore2 is used without httpx2 on top: what follows redirects, keeps cookies, decodes bodies
and asks the environment for proxies is not switched off here, it is not there.
"""

import asyncio
import logging
import ssl
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Final

import httpcore2

from registrary.core.addresses import Address
from registrary.outbound.answer import Headers, check_answer, fresh_for
from registrary.outbound.budgets import Budget, Memory, Monotonic
from registrary.outbound.connector import PinnedBackend
from registrary.outbound.policy import OutboundPolicy
from registrary.outbound.resolver import Resolver
from registrary.outbound.sites import site_of
from registrary.outbound.standing import Standings
from registrary.outbound.target import Target, parse_target
from registrary.outbound.turns import Turns
from registrary.ports.fetcher import Fetched, FetchPurpose, FetchRefused, Refusal

_REFUSED_HOSTS_KEPT: Final = timedelta(seconds=30)
_HEADER_BYTES: Final = 32 * 1024  # all that is not body: headers, interim answers, trailers
_ADDRESSES_JUDGED: Final = 64  # a host with more is refused

_log = logging.getLogger("registrary.outbound")


class GuardedFetcher:
    """Fetches documents under an `OutboundPolicy`; implements ``ports.fetcher.Fetcher``.

    Each fetch resolves the host once, judges every address, and opens a connection of its own to
    one of them: a kept connection would be used under a judgement that is no longer true.
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

    async def fetch(self, url: str, *, purpose: FetchPurpose) -> Fetched:
        """Fetch the document at *url*; raise FetchRefused, and nothing else, when it cannot be."""
        host = "a URL"
        try:
            target = parse_target(url, self._policy)
            host = target.host
            self._admit(target, purpose)
            async with asyncio.timeout(purpose.deadline.total_seconds()):
                return await self._fetch_in_turn(target, purpose)
        except FetchRefused as refusal:
            _report(purpose, host, refusal)
            raise
        except Exception as error:  # a boundary: whatever happened becomes ours
            refused = _as_refusal(error)
            _report(purpose, host, refused)
            raise refused from error

    def _admit(self, target: Target, purpose: FetchPurpose) -> None:
        """Refuse what needs neither a look-up nor a connection to be refused."""
        if target.address is not None:
            self._judge(target.host, [target.address])
        if self._refused_hosts.holds(target.host):
            raise FetchRefused(Refusal.ADDRESS, f"{target.host} led to a forbidden address lately")
        if not self._host_budget.take(f"{purpose.name} {target.host}"):
            raise FetchRefused(Refusal.BUDGET, f"{target.host} was asked too often lately")

    async def _fetch_in_turn(self, target: Target, purpose: FetchPurpose) -> Fetched:
        names = _names_of(target)
        standing = self._standings.of(names)
        async with self._turns[purpose.name].of(target.host, standing):
            with self._standings.watch(names, deadline=purpose.deadline):
                return await self._fetch_now(target, purpose)

    async def _fetch_now(self, target: Target, purpose: FetchPurpose) -> Fetched:
        addresses = await self._vetted_addresses(target)
        if not self._address_budget.take(str(addresses[0])):
            raise FetchRefused(Refusal.BUDGET, f"{addresses[0]} was asked too often lately")
        return await self._get(target, addresses, purpose)

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

    async def _get(
        self, target: Target, addresses: Sequence[Address], purpose: FetchPurpose
    ) -> Fetched:
        url = httpcore2.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.target
        )
        network = PinnedBackend(
            addresses,
            allows=self._policy.allows,
            limit_bytes=2 * purpose.limit_bytes + _HEADER_BYTES,  # twice: framing of small chunks
            backend=self._backend,
        )
        connection = httpcore2.AsyncHTTPConnection(
            url.origin, ssl_context=self._tls, network_backend=network
        )
        try:
            headers = _request_headers(target, purpose)
            async with connection.stream("GET", url, headers=headers) as response:
                return await _read(response, purpose)
        finally:
            await connection.aclose()
            await network.aclose()


def _names_of(target: Target) -> Sequence[str]:
    """Return what *target* is known by, the narrowest name first; none of them is long."""
    url = f"{target.scheme}://{target.host_header}{target.target}"
    return sha256(url.encode()).hexdigest(), target.host, f"site {site_of(target.host)}"


def _request_headers(target: Target, purpose: FetchPurpose) -> list[tuple[str, str]]:
    accepted = [kind for kind in purpose.media_types if "*" not in kind]
    return [
        ("Host", target.host_header),
        ("User-Agent", "registrary"),
        ("Accept", ", ".join(accepted)),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]


async def _read(response: httpcore2.Response, purpose: FetchPurpose) -> Fetched:
    headers = Headers.parse(response.headers)
    media_type = check_answer(response.status, headers, purpose)
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > purpose.limit_bytes:
            raise FetchRefused(Refusal.SIZE, f"answer exceeds {purpose.limit_bytes} bytes")
    return Fetched(bytes(body), media_type, fresh_for(headers), headers.one("etag"))


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


def _report(purpose: FetchPurpose, host: str, refused: FetchRefused) -> None:
    # The host and no more: paths and queries may hold what should not be in logs.
    _log.info("%s at %s: %s (%s)", purpose.name, host, refused.refusal, refused.detail)
