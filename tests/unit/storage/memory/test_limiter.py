"""The limiter lets through what the rate says, and stays small."""

from datetime import timedelta

import pytest

from registrary.ports.limiter import Rate
from registrary.storage.memory.limiter import SWEEP_EVERY, MemoryLimiter
from registrary.testing.clock import MOMENT

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("count", [1, 2, 7, 60, 300, 7919])
def test_a_whole_burst_passes_and_not_one_more(count):
    """The documented number of registrations works from a standing start, also where it is odd."""
    limiter, rate = MemoryLimiter(), Rate(count, MINUTE)

    waits = [limiter.take("a", rate, now=MOMENT) for _ in range(count)]
    refused = limiter.take("a", rate, now=MOMENT)

    assert [None] * count == waits
    assert refused is not None
    assert timedelta(0) < refused <= MINUTE


def test_who_waits_as_told_is_let_through():
    """``Retry-After`` is a promise."""
    limiter, rate = MemoryLimiter(), Rate(3, MINUTE)
    for _ in range(3):
        limiter.take("a", rate, now=MOMENT)

    wait = limiter.take("a", rate, now=MOMENT)

    assert 20 * SECOND == wait
    assert limiter.take("a", rate, now=MOMENT + 19 * SECOND) is not None
    assert limiter.take("a", rate, now=MOMENT + 20 * SECOND) is None


def test_a_refused_act_is_not_counted():
    """Who keeps knocking is not locked out for longer than who is patient."""
    limiter, rate = MemoryLimiter(), Rate(1, MINUTE)
    limiter.take("a", rate, now=MOMENT)

    for _ in range(100):
        limiter.take("a", rate, now=MOMENT + SECOND)

    assert limiter.take("a", rate, now=MOMENT + MINUTE) is None


def test_keys_are_counted_apart():
    """One address that is busy slows no other down."""
    limiter, rate = MemoryLimiter(), Rate(1, MINUTE)
    limiter.take("a", rate, now=MOMENT)

    assert limiter.take("b", rate, now=MOMENT) is None


def test_a_rate_of_none_lets_nobody_through():
    """Zero registrations a minute is a way to close a door."""
    assert MINUTE == MemoryLimiter().take("a", Rate(0, MINUTE), now=MOMENT)


def test_a_clock_that_steps_back_locks_nobody_out_for_good():
    """A server whose clock was corrected by an hour still serves."""
    limiter, rate = MemoryLimiter(), Rate(60, MINUTE)
    limiter.take("a", rate, now=MOMENT + 60 * MINUTE)

    wait = limiter.take("a", rate, now=MOMENT)

    assert SECOND == wait
    assert limiter.take("a", rate, now=MOMENT + SECOND) is None


def test_keys_at_rest_are_swept_out():
    """A year of strangers does not fill the memory."""
    limiter, rate = MemoryLimiter(), Rate(60, MINUTE)
    for number in range(SWEEP_EVERY - 1):
        limiter.take(f"stranger {number}", rate, now=MOMENT)

    limiter.take("a", rate, now=MOMENT + MINUTE)

    assert 1 == len(limiter)


def test_made_up_keys_cannot_grow_the_memory_or_free_a_busy_key():
    """A flood from a thousand networks must not make the server forget whom it was slowing."""
    limiter, rate = MemoryLimiter(key_limit=10), Rate(1, MINUTE)
    for number in range(10):
        limiter.take(f"known {number}", rate, now=MOMENT + number * SECOND)

    waits = [limiter.take(f"new {n}", rate, now=MOMENT + 10 * SECOND) for n in range(1000)]

    assert {50 * SECOND} == set(waits)
    assert 10 == len(limiter)
    assert limiter.take("known 0", rate, now=MOMENT + 10 * SECOND) is not None
    assert limiter.take("new 0", rate, now=MOMENT + MINUTE) is None
