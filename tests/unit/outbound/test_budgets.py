"""Budgets by key, and memories that fade."""

from datetime import timedelta

import pytest

from registrary.outbound.budgets import KEYS_LIMIT, Budget, Memory
from registrary.ports.limiter import Rate

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 60, 1_000])
def test_a_budget_allows_its_count_at_once_and_no_more(count, ticks):
    """The figure an administrator reads is the figure that holds."""
    budget = Budget(Rate(count, MINUTE), ticks)

    taken = [budget.take("a") for _ in range(count + 2)]

    assert [True] * count + [False] * 2 == taken


@pytest.mark.parametrize("count", [1, 3, 60])
def test_a_budget_comes_back_evenly(count, ticks):
    """After a burst there is one act in each interval, and a full burst after the period."""
    budget = Budget(Rate(count, MINUTE), ticks)
    for _ in range(count):
        budget.take("a")

    ticks.seconds += 60 / count
    one_interval_later = [budget.take("a"), budget.take("a")]
    ticks.seconds += 60
    one_period_later = [budget.take("a") for _ in range(count + 1)]

    assert [True, False] == one_interval_later
    assert [True] * count + [False] == one_period_later


def test_a_budget_says_that_it_is_spent_without_counting(ticks):
    """Where only failures count, one must know before trying."""
    budget = Budget(Rate(2, MINUTE), ticks)

    unspent = [budget.is_spent("a") for _ in range(5)]
    budget.take("a")
    budget.take("a")
    spent = budget.is_spent("a")
    ticks.seconds += 30

    assert ([False] * 5, True, False) == (unspent, spent, budget.is_spent("a"))


def test_keys_do_not_share_a_budget(ticks):
    """One host's callers do not pay for another's."""
    budget = Budget(Rate(1, MINUTE), ticks)

    assert [True, True, False] == [budget.take(key) for key in "aba"]


def test_a_budget_holds_a_bounded_number_of_keys(ticks):
    """Strangers choose the keys, so they must not choose our memory."""
    budget = Budget(Rate(1, MINUTE), ticks)
    for number in range(KEYS_LIMIT + 1):
        budget.take(str(number))

    assert [True, False] == [budget.take("0"), budget.take(str(KEYS_LIMIT))]


def test_a_memory_fades(ticks):
    """What was refused is tried again one day."""
    memory = Memory(timedelta(seconds=30), ticks)
    memory.note("a")

    before = [memory.holds("a"), memory.holds("b")]
    ticks.seconds += 30
    after = memory.holds("a")

    assert ([True, False], False) == (before, after)


def test_a_memory_forgets_the_oldest_when_it_is_full(ticks):
    """Strangers choose the keys, so they must not choose our memory."""
    memory = Memory(MINUTE, ticks)
    for number in range(KEYS_LIMIT + 1):
        memory.note(str(number))

    assert [False, True] == [memory.holds("0"), memory.holds(str(KEYS_LIMIT))]
