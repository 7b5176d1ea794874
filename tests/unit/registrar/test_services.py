"""What use cases share: counted acts, fresh randomness, events without a change."""

from datetime import timedelta

import pytest

from registrary.core.events import Tag
from registrary.keys.local import MemoryKeys
from registrary.registrar.context import IssuerContext
from registrary.registrar.counting import Counting
from registrary.registrar.services import Services
from registrary.storage.memory.limiter import MemoryLimiter
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import an_event, an_issuer
from registrary.wiring.contexts import context_of
from registrary.wiring.offline import NoFetcher

pytestmark = pytest.mark.anyio


def services(*, limiter=None) -> Services:
    """Return services in memory."""
    return Services(
        store=MemoryStore(),
        clock=FakeClock(),
        entropy=SeededEntropy(),
        fetcher=NoFetcher(),
        secret_keys=MemoryKeys(),
        refusals=Counting(Tag.REFUSALS_COUNTED),
        limiter=limiter,
    )


def test_without_a_limiter_nobody_waits():
    """`--no-rate-limits` is for benches, which come a million times."""
    unlimited = services()

    assert {None} == {unlimited.wait_for("key", 1) for _ in range(1000)}


def test_with_a_limiter_who_comes_too_often_is_told_how_long_to_wait():
    """The wait is what the answer promises in Retry-After."""
    limited = services(limiter=MemoryLimiter())

    waits = [limited.wait_for("key", 2) for _ in range(3)]

    assert [None, None] == waits[:2]
    assert timedelta() < (waits[2] or timedelta()) <= timedelta(minutes=1)
    assert None is limited.wait_for("another key", 2)


@pytest.mark.parametrize(
    ("peer", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "unknown"),
    ],
)
def test_a_source_is_whoever_can_be_told_apart(peer, source):
    """One subscriber has 2**64 IPv6 addresses, and they are one stranger."""
    one = services()

    one.count_refusal("issuer", peer, "invalid_token")

    assert [source] == [tally.source for tally in one.refusals.drain()]


def test_randomness_is_drawn_anew_for_each_decision():
    """Two clients decided at once must not get one secret."""
    one = services()

    draws = {one.draw(32).take(32) for _ in range(100)}

    assert 100 == len(draws)


async def test_an_event_without_a_change_is_durable_all_the_same():
    """A refusal changes nothing and has to be known."""
    one = services()
    event = an_event()

    await one.record(event)

    assert isinstance(one.store, MemoryStore)
    [waiting] = await one.store.waiting(event.issuer, limit=10)
    assert event.id == waiting.event_id


def test_a_context_is_of_one_issuer():
    """Every record carries that id; a context without it would mix tenants."""
    issuer = an_issuer(url="https://id.example/tenant")

    context = context_of(issuer)

    assert isinstance(context, IssuerContext)
    assert (issuer.id, "https://id.example/tenant/register") == (
        context.id,
        context.registration_endpoint,
    )
