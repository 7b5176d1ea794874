"""Counts stand in for events, bounded by what they hold and how often they become events."""

from datetime import timedelta

import msgspec
import pytest

from registrary.core.events import ActorKind, Tag
from registrary.registrar.counting import (
    KEY_LIMIT,
    OTHERS,
    SOURCE_LIMIT,
    Counting,
    Tally,
    counted_event,
)
from registrary.testing.clock import MOMENT
from registrary.testing.entropy import SeededEntropy

MINUTE = timedelta(minutes=1)


def counting(*noted: tuple[str, str, str]) -> Counting:
    """Return counts of these."""
    counts = Counting(Tag.REFUSALS_COUNTED)
    for one in noted:
        counts.note(*one)
    return counts


def event_of(issuer: str, tallies):
    """Return the event over *tallies*."""
    return counted_event(
        Tag.REFUSALS_COUNTED,
        issuer,
        tallies,
        now=MOMENT,
        interval=MINUTE,
        draw=SeededEntropy().draw(),
    )


def test_a_count_is_by_issuer_source_and_what_happened():
    """Two kinds of failure from one address are two stories."""
    counts = counting(("a", "x", "one"), ("a", "x", "one"), ("a", "x", "two"), ("b", "x", "one"))

    tallies = counts.drain()

    assert {
        Tally("a", "x", "one", 2),
        Tally("a", "x", "two", 1),
        Tally("b", "x", "one", 1),
    } == set(tallies)
    assert 2 == tallies[0].count, "the greatest comes first"


def test_what_was_drained_is_not_counted_again():
    """Each interval tells of itself alone."""
    counts = counting(("a", "x", "one"))

    drained = [counts.drain(), counts.drain()]

    assert [1, 0] == [len(tallies) for tallies in drained]


def test_memory_is_bounded_whatever_comes():
    """An attacker has more addresses than we have memory; nothing of them goes uncounted."""
    counts = Counting(Tag.REFUSALS_COUNTED)

    for number in range(3 * KEY_LIMIT):
        counts.note("a", f"source {number}", "one")
    tallies = counts.drain()

    assert len(tallies) <= KEY_LIMIT + 1
    assert 3 * KEY_LIMIT == sum(tally.count for tally in tallies)
    assert OTHERS == tallies[0].source


def test_a_source_that_is_known_goes_on_being_counted_when_memory_is_full():
    """Filling the table must not hide who was there before."""
    counts = counting(("a", "known", "one"))
    for number in range(2 * KEY_LIMIT):
        counts.note("a", f"source {number}", "one")

    counts.note("a", "known", "one")

    assert 2 == next(tally.count for tally in counts.drain() if tally.source == "known")


def test_an_event_tells_of_its_own_issuer_alone():
    """The log of one tenant is no place for the callers of another."""
    tallies = counting(("a", "x", "one"), ("b", "y", "two"), ("a", "z", "one")).drain()

    event = event_of("a", tallies)

    assert ("a", Tag.REFUSALS_COUNTED, ActorKind.SYSTEM, MOMENT) == (
        event.issuer,
        event.tag,
        event.actor.kind,
        event.time,
    )
    assert {"interval_seconds": 60, "counts": [["x", "one", 1], ["z", "one", 1]]} == event.detail


def test_an_event_names_the_greatest_and_sums_the_rest():
    """One interval leaves one event of bounded size, and the sum stays true."""
    tallies = [Tally("a", f"source {number}", "one", 1) for number in range(SOURCE_LIMIT + 50)]

    counts = event_of("a", tallies).detail["counts"]

    assert SOURCE_LIMIT + 1 == len(counts)
    assert [OTHERS, "any", 50] == counts[-1]
    assert len(msgspec.json.encode(counts)) < 16 * 1024


@pytest.mark.parametrize("count", [SOURCE_LIMIT - 1, SOURCE_LIMIT])
def test_without_a_rest_there_is_no_line_for_it(count):
    """A line that says nought invites questions."""
    tallies = [Tally("a", f"source {number}", "one", 1) for number in range(count)]

    counts = event_of("a", tallies).detail["counts"]

    assert count == len(counts)
    assert OTHERS not in {source for source, _, _ in counts}


def test_the_first_of_a_kind_is_news_and_the_rest_are_counted():
    """An operator sees what happened to whom, and how often, without a line for each."""
    counting = Counting(Tag.REFUSALS_COUNTED)
    happened = ["a", "a", "b", "a", "b"]

    repeated = [counting.repeats("issuer", "client", what) for what in happened]

    assert [False, True, False, True, True] == repeated
    assert [Tally("issuer", "client", "a", 2), Tally("issuer", "client", "b", 1)] == (
        counting.drain()
    )


def test_an_interval_begins_with_news():
    """What goes on for an hour is told once a minute, not once."""
    counting = Counting(Tag.REFUSALS_COUNTED)
    counting.repeats("issuer", "client", "a")

    counting.drain()

    assert not counting.repeats("issuer", "client", "a")
    assert [] == counting.drain()


def test_no_flood_of_sources_is_held_or_told():
    """Whoever has a thousand clients gets no more memory and no more log than there is."""
    counting = Counting(Tag.REFUSALS_COUNTED)

    told = sum(
        not counting.repeats("issuer", f"client-{number}", "a") for number in range(KEY_LIMIT * 3)
    )

    tallies = counting.drain()
    assert KEY_LIMIT == told
    assert KEY_LIMIT + 1 == len(tallies)
    assert Tally("issuer", OTHERS, "a", KEY_LIMIT) == tallies[0]
