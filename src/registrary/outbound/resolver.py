"""Names to addresses, once per fetch."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final, Protocol

from registrary.core.addresses import Address
from registrary.outbound.sites import site_of
from registrary.outbound.turns import KeyedTurns
from registrary.ports.fetcher import FetchRefused, Refusal

_THREADS: Final = 96  # look-ups under way at once; each may hang as long as a name server likes
_SITE_THREADS: Final = 8  # of them for the names of one domain


LookUp = Callable[[str, int], Sequence[Address]]
"""Finds the addresses of a host and port, blocking the thread; raises OSError where none is."""


class Resolver(Protocol):
    """Finds the addresses of hosts."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Return every address of *host*, best first; raise FetchRefused when there is none."""
        ...


class SystemResolver:
    """Asks the operating system, with its hosts file, search order and name servers.

    It has threads of its own: name servers chosen by strangers may take their time, and the
    threads other work shares must not wait with them. A look-up goes on when whoever asked has
    left, so one domain may have a few of the threads and no more. `close` lets the threads go.
    """

    def __init__(self, look_up: LookUp | None = None) -> None:
        self._look_up = _look_up if look_up is None else look_up
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolver")
        self._turns = KeyedTurns(_SITE_THREADS)

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Return every address of *host*, best first; raise FetchRefused when there is none."""
        site = site_of(host)
        await self._turns.take(site)
        loop = asyncio.get_running_loop()
        looking = loop.run_in_executor(self._threads, self._look_up, host, port)
        looking.add_done_callback(lambda _: self._turns.give_back(site))
        try:
            return await asyncio.shield(looking)
        except (OSError, UnicodeError) as error:
            raise FetchRefused(Refusal.UNRESOLVED, f"{host} has no address") from error

    def close(self) -> None:
        """Let the threads end; look-ups under way are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[Address]:
    # The default flags, without AI_ADDRCONFIG: an address this machine has no route to is judged
    # all the same.
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(sockaddr[0]) for *_, sockaddr in found]
