"""Who may read the counters, where several issuers have administrators."""

import pytest

from registrary.protocol.http import HttpRequest
from registrary.testing.server import ADMIN_TOKEN
from registrary.wiring.app import Runtime
from tests.unit.wiring.kit import production

pytestmark = pytest.mark.anyio


async def test_bad_tokens_are_counted_and_slowed_down(tmp_path):
    """Guesses once left no trace here, and had no rate."""
    runtime = Runtime(production(tmp_path), {})

    async def ask(token: str) -> int:
        found = runtime.directory.find("id.example", "/metrics")
        assert found is not None
        headers = ((b"authorization", f"Bearer {token}".encode()),)
        request = HttpRequest("GET", "/metrics", "", headers, peer="192.0.2.7")
        return (await found.endpoint(request)).status

    async with runtime.lifespan():
        (site,) = runtime.directory.sites
        rate = site.issuer.limits.anonymous_registrations_per_minute
        guesses = [await ask(f"guess-{number}") for number in range(rate + 5)]
        own = await ask(ADMIN_TOKEN)
        tallies = runtime.refusals.drain()

    assert (401, 429, 200) == (guesses[0], guesses[-1], own)
    assert [(site.issuer.id, "192.0.2.7", "invalid_admin_token", rate + 5)] == [
        (tally.issuer, tally.source, tally.what, tally.count) for tally in tallies
    ]
