"""Nodes count together, and none waits for the others to judge an act."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from registrary.ports.limiter import Rate
from registrary.ports.store import StoreUnavailable
from registrary.storage.memory.limiter import MemoryLimiter
from registrary.storage.postgres.node.limiter import KEY_LIMIT, Count, SharedLimiter
from registrary.testing.clock import MOMENT

pytestmark = pytest.mark.anyio

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ZERO = timedelta(0)
RATE = Rate(6, MINUTE)


class Time:
    """The time of everything in a test; clocks on the walls may differ by *skew*."""

    def __init__(self) -> None:
        self.passed = ZERO

    def steady(self) -> float:
        """Return the seconds that passed."""
        return self.passed.total_seconds()


class Wall:
    """A clock of a node that is wrong by *skew*."""

    def __init__(self, time: Time, skew: timedelta) -> None:
        self.time = time
        self.skew = skew

    def now(self) -> datetime:
        """Return what it shows."""
        return MOMENT + self.time.passed + self.skew


class Table:
    """What the database adds up, by its own clock."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.rests: dict[bytes, timedelta] = {}
        self.is_away = False
        self.calls: list[list[Count]] = []
        self._called = asyncio.Condition()

    async def reached(self, calls: int) -> None:
        """Wait for so many calls."""
        async with self._called:
            await self._called.wait_for(lambda: len(self.calls) >= calls)

    async def add(self, counts: Sequence[Count], *, period: timedelta) -> Mapping[bytes, timedelta]:
        """Add *counts*."""
        if self.is_away:
            raise StoreUnavailable("away")
        async with self._called:
            self.calls.append(list(counts))
            self._called.notify_all()
        now = self.time.passed
        for count in counts:
            known = max(self.rests.get(count.digest, now), now)
            self.rests[count.digest] = known + count.cost
        return {count.digest: self.rests[count.digest] - now for count in counts}


class Cluster:
    """Nodes that count in one table."""

    def __init__(self, *skews: timedelta) -> None:
        self.time = Time()
        self.table = Table(self.time)
        self.walls = [Wall(self.time, skew) for skew in skews]
        self.nodes = [
            SharedLimiter(MemoryLimiter(), self.table, wall, steady=self.time.steady)
            for wall in self.walls
        ]

    def take(self, node: int, key: str = "a", rate: Rate = RATE) -> timedelta | None:
        """Let a node judge an act."""
        return self.nodes[node].take(key, rate, now=self.walls[node].now())

    def burst(self, node: int, acts: int = 20, rate: Rate = RATE) -> int:
        """Try *acts* acts at a node and return how many were allowed."""
        return sum(self.take(node, rate=rate) is None for _ in range(acts))

    async def compare(self) -> None:
        """Let every node compare, one after the other and the first once more."""
        for node in (*self.nodes, self.nodes[0]):
            await node.compare()


async def test_one_node_allows_what_the_rate_says():
    """Sharing costs nobody a request."""
    cluster = Cluster(ZERO)

    allowed = cluster.burst(0)
    await cluster.compare()
    cluster.time.passed += 10 * SECOND

    assert 6 == allowed
    assert [True, False] == [cluster.take(0) is None for _ in range(2)]


async def test_what_was_used_up_at_one_node_is_used_up_at_another():
    """Who guesses passwords gains nothing by asking another node, but the guess that tells it."""
    cluster = Cluster(ZERO, ZERO)
    cluster.burst(0)
    await cluster.compare()

    first = cluster.take(1)
    await cluster.compare()
    then = cluster.burst(1)

    assert (None, 0) == (first, then)


async def test_part_of_a_burst_is_left_for_other_nodes():
    """A client that a balancer spreads over nodes has its rate, and not less."""
    cluster = Cluster(ZERO, ZERO)
    allowed = []

    for node in (0, 1, 0, 1, 0, 1):
        allowed.append(cluster.burst(node, acts=1))
        await cluster.compare()

    assert [1] * 6 == allowed


async def test_what_nodes_let_through_too_much_is_paid_back():
    """In the long run the rate holds, however many nodes are asked at once."""
    cluster = Cluster(ZERO, ZERO, ZERO)
    allowed = 0

    for _ in range(60 * 10):
        allowed += sum(cluster.burst(node, acts=7) for node in range(3))
        await cluster.compare()
        cluster.time.passed += SECOND

    assert 6 * 10 <= allowed <= 6 * 10 + 3 * 6 + 3


@pytest.mark.parametrize("skew", [MINUTE * 60, MINUTE * -60], ids=["ahead", "behind"])
async def test_clocks_of_nodes_may_differ(skew):
    """A node with a wrong clock neither locks callers out at others nor lets them off."""
    cluster = Cluster(ZERO, skew)
    cluster.burst(1)
    await cluster.compare()
    cluster.take(0)
    await cluster.compare()
    soon = cluster.burst(0)

    cluster.time.passed += 30 * SECOND
    later = cluster.burst(0)
    await cluster.compare()
    cluster.time.passed += 2 * MINUTE

    assert (0, 2) == (soon, later)
    assert (6, 6) == (cluster.burst(0), cluster.burst(1))


async def test_a_clock_that_is_set_back_costs_a_period_at_most():
    """Waiting is counted by a clock that nobody sets."""
    cluster = Cluster(ZERO, ZERO)
    for node in (0, 1):
        cluster.burst(node)
    await cluster.compare()

    cluster.walls[0].skew = timedelta(days=-1)
    cluster.time.passed += 3 * MINUTE
    cluster.burst(0)
    cluster.time.passed += MINUTE

    assert 6 == cluster.burst(0)


async def test_without_the_database_a_node_counts_alone():
    """An outage is no time without limits."""
    cluster = Cluster(ZERO)
    cluster.table.is_away = True

    allowed = cluster.burst(0)
    await cluster.compare()
    cluster.table.is_away = False
    await cluster.compare()

    assert (6, 0) == (allowed, cluster.burst(0))
    assert [] == cluster.table.calls


async def test_acts_that_come_during_a_comparison_are_added_by_the_next():
    """A caller that times its requests well would be free."""
    cluster = Cluster(ZERO)
    cluster.burst(0, acts=1)
    original = cluster.table.add

    class Slow(Table):
        async def add(
            self, counts: Sequence[Count], *, period: timedelta
        ) -> Mapping[bytes, timedelta]:
            """Let an act happen while the database answers."""
            found = await original(counts, period=period)
            cluster.take(0)
            return found

    cluster.nodes[0]._table = Slow(cluster.time)  # noqa: SLF001 - a table that is slow just once
    await cluster.nodes[0].compare()
    cluster.nodes[0]._table = cluster.table  # noqa: SLF001 - as above
    await cluster.nodes[0].compare()

    assert [[10 * SECOND], [10 * SECOND]] == [
        [count.cost for count in call] for call in cluster.table.calls
    ]
    assert 4 == cluster.burst(0)


async def test_the_database_sees_no_address():
    """Keys hold addresses and names of callers."""
    cluster = Cluster(ZERO)
    cluster.take(0, "203.0.113.9")

    await cluster.compare()

    [[count]] = cluster.table.calls
    assert 16 == len(count.digest)
    assert b"203" not in count.digest


async def test_rates_of_several_periods_go_in_turn():
    """A day's limit of sign-in codes does not stretch the minutes of others."""
    cluster = Cluster(ZERO)
    cluster.take(0, "a", RATE)
    cluster.take(0, "b", Rate(50, timedelta(days=1)))

    await cluster.compare()

    assert [1, 1] == [len(call) for call in cluster.table.calls]


async def test_a_flood_of_keys_is_compared_only_in_part():
    """Made-up keys cost the database a bounded statement."""
    cluster = Cluster(ZERO)
    for number in range(KEY_LIMIT + 5):
        cluster.take(0, str(number))

    await cluster.compare()

    assert [KEY_LIMIT] == [len(call) for call in cluster.table.calls]


async def test_comparing_begins_with_the_first_act_and_goes_on():
    """A node that was idle learns within moments what others counted."""
    cluster = Cluster(ZERO)
    running = asyncio.create_task(cluster.nodes[0].run())

    for expected in (1, 2):
        cluster.take(0)
        await asyncio.wait_for(cluster.table.reached(expected), 30)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert 2 == len(cluster.table.calls)
