"""Counts are bounded by what they hold, and by how often they become events."""

from registrary.core.events import Tag
from registrary.registrar.counting import KEY_LIMIT, OTHERS, Counting, Tally


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
