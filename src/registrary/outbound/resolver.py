"""Names to addresses, once per fetch."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final, Protocol

from registrary.core.addresses import Address
from registrary.ports.fetcher import FetchRefused, Refusal

_THREADS: Final = 32  # look-ups under way at once; each may hang as long as a name server likes


class Resolver(Protocol):
    """Finds the addresses of hosts."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Return every address of *host*, best first; raise FetchRefused when there is none."""
        ...


class SystemResolver:
    """Asks the operating system, with its hosts file, search order and name servers.

    It has threads of its own: name servers chosen by strangers may take their time, and the
    threads other work shares must not wait with them. `close` lets the threads go.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolver")

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Return every address of *host*, best first; raise FetchRefused when there is none."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, _look_up, host, port)
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
