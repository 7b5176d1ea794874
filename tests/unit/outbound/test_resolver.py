"""Names as the operating system knows them."""

import asyncio
import threading

import pytest

from registrary.core.addresses import is_loopback
from registrary.outbound.resolver import SystemResolver
from registrary.ports.fetcher import FetchRefused, Refusal

pytestmark = pytest.mark.anyio


async def test_a_name_has_its_addresses(system_resolver):
    """The hosts file counts: it is how operators place names."""
    addresses = await system_resolver.resolve("localhost", 443)

    assert addresses
    assert all(is_loopback(address) for address in addresses)


@pytest.mark.parametrize("host", ["name.invalid", "a" * 64 + ".invalid", "a..invalid"])
async def test_a_name_without_address_is_refused(host, system_resolver):
    """Failing look-ups, and names that cannot be asked for, are one kind of refusal."""
    with pytest.raises(FetchRefused) as caught:
        await system_resolver.resolve(host, 443)

    assert Refusal.UNRESOLVED == caught.value.refusal


async def test_hanging_look_ups_of_one_domain_leave_threads_to_others():
    """A thread cannot be called back, so a slow zone once took all of them."""
    release, asked = threading.Event(), []

    def look_up(host, _port):
        asked.append(host)
        if host.endswith("slow.example"):
            release.wait(60)
        return []

    resolver = SystemResolver(look_up)
    try:
        for number in range(200):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await resolver.resolve(f"{number}.slow.example", 443)
        waiting = [
            asyncio.create_task(resolver.resolve(f"{number}.slow.example", 443))
            for number in range(200)
        ]
        async with asyncio.timeout(60):
            found = await resolver.resolve("app.example", 443)
        asked_meanwhile = len(asked)
    finally:
        release.set()
        await asyncio.gather(*waiting)
        resolver.close()

    assert [] == found
    assert asked_meanwhile <= 8 + 1
