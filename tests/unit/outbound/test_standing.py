"""What is known of how quickly hosts answer."""

import asyncio
from contextlib import nullcontext
from datetime import timedelta

import pytest

from registrary.outbound.standing import Standing, Standings
from registrary.ports.fetcher import FetchRefused, Refusal

DEADLINE = timedelta(seconds=5)
NAMES = ("url", "host", "site")
NEIGHBOUR = ("other url", "host", "site")
SAME_SITE = ("third url", "other host", "site")


def fetch(standings, ticks, *, names=NAMES, seconds=0.0, error=None):
    """Note a fetch that took *seconds* and ended with *error*, None for a document."""
    ending = nullcontext() if error is None else pytest.raises(type(error))
    with ending, standings.watch(names, deadline=DEADLINE):
        ticks.seconds += seconds
        if error is not None:
            raise error


@pytest.mark.parametrize(
    ("seconds", "error", "standing"),
    [
        (0.1, None, Standing.PROMPT),
        (2.0, None, Standing.PROMPT),
        (2.1, None, Standing.LATE),
        (4.9, FetchRefused(Refusal.STATUS, ""), Standing.LATE),
        (5.0, TimeoutError(), Standing.LATE),
        (5.0, asyncio.CancelledError(), Standing.LATE),
        (0.1, FetchRefused(Refusal.STATUS, ""), Standing.PROMPT),
        (0.1, FetchRefused(Refusal.MEDIA_TYPE, ""), Standing.PROMPT),
        (0.1, FetchRefused(Refusal.CONNECTION, ""), Standing.UNKNOWN),
        (0.1, FetchRefused(Refusal.UNRESOLVED, ""), Standing.UNKNOWN),
        (0.1, FetchRefused(Refusal.BUDGET, ""), Standing.UNKNOWN),
        (0.1, OSError(), Standing.UNKNOWN),
        (0.1, asyncio.CancelledError(), Standing.UNKNOWN),
    ],
)
def test_what_counts_is_how_long_a_turn_was_kept(seconds, error, standing, ticks):
    """A tarpit may answer in the last moment, and with anything."""
    standings = Standings(ticks)

    fetch(standings, ticks, seconds=seconds, error=error)

    assert standing == standings.of(NAMES)


def test_a_late_host_makes_its_site_suspect(ticks):
    """A zone has any number of further names to be slow under."""
    standings = Standings(ticks)

    fetch(standings, ticks, seconds=5)

    assert [Standing.LATE] * 2 == [standings.of(NEIGHBOUR), standings.of(SAME_SITE)]


def test_a_prompt_host_says_nothing_of_its_site(ticks):
    """Else one good host would vouch for every name of its zone."""
    standings = Standings(ticks)

    fetch(standings, ticks)

    assert [Standing.PROMPT, Standing.UNKNOWN] == [
        standings.of(NEIGHBOUR),
        standings.of(SAME_SITE),
    ]


@pytest.mark.parametrize("late", [NEIGHBOUR, SAME_SITE], ids=["host", "site"])
def test_a_slow_neighbour_spoils_nobody_who_proved_themselves(late, ticks):
    """On a shared host or domain the others are strangers."""
    standings = Standings(ticks)
    fetch(standings, ticks)

    fetch(standings, ticks, names=late, seconds=5)

    assert Standing.PROMPT == standings.of(NAMES)


def test_who_was_late_has_to_prove_itself_anew(ticks):
    """Answering once must not buy a silence every half minute."""
    standings = Standings(ticks)
    fetch(standings, ticks)
    fetch(standings, ticks, seconds=5)

    ticks.seconds += 31

    assert Standing.UNKNOWN == standings.of(NAMES)
