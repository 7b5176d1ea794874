"""Names as the operating system knows them."""

import pytest

from registrary.core.addresses import is_loopback
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
