"""Counts of what was refused and issued, between two log entries.

Strangers cannot grow the record: however many requests they send, one interval leaves one
event, with at most `SOURCE_LIMIT` sources named and the rest summed. Clients grow it by one
event of a kind in each interval; what they repeat is counted too.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Event, Tag
from registrary.core.ids import new_event_id

SOURCE_LIMIT: Final = 200  # sources named in one event
KEY_LIMIT: Final = 10_000  # distinct keys held in memory between two drains
OTHERS: Final = "(others)"
DRAW_BYTES: Final = 26  # of randomness for one event: 10 for its id, 16 for its salt


@dataclass(frozen=True, slots=True)
class Tally:
    """How often *what* happened to *source* at *issuer*."""

    issuer: str
    source: str
    what: str
    count: int


class Counting:
    """Counts in memory by issuer, source and what happened; bounded.

    Lost with the process: a crash loses the counts of one interval, never a state change.
    """

    def __init__(self, tag: Tag) -> None:
        self.tag = tag
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._told: set[tuple[str, str, str]] = set()

    def note(self, issuer: str, source: str, what: str) -> None:
        """Count one more of *what* for *source*."""
        self._add(Tally(issuer, source, what, 1))

    def repeats(self, issuer: str, source: str, what: str) -> bool:
        """Tell whether *what* happened to *source* before in this interval; if so, count it.

        Where more sources than can be held come at once, the rest of them is only counted.
        """
        key = (issuer, source, what)
        if key not in self._told and len(self._told) < KEY_LIMIT:
            self._told.add(key)
            return False
        self.note(issuer, source, what)
        return True

    def drain(self) -> list[Tally]:
        """Return all counts, greatest first, and begin another interval from zero."""
        counts, self._counts = self._counts, Counter()
        self._told.clear()
        return [Tally(*key, count) for key, count in counts.most_common()]

    def put_back(self, tallies: Iterable[Tally]) -> None:
        """Count *tallies*, which were drained and could not be written, with what came since."""
        for tally in tallies:
            self._add(tally)

    def _add(self, tally: Tally) -> None:
        key = (tally.issuer, tally.source, tally.what)
        if key not in self._counts and len(self._counts) >= KEY_LIMIT:
            key = (tally.issuer, OTHERS, tally.what)
        self._counts[key] += tally.count


def counted_event(
    tag: Tag,
    issuer: str,
    tallies: Iterable[Tally],
    *,
    now: datetime,
    interval: timedelta,
    draw: Draw,
) -> Event:
    """Return the event that says how often each of *tallies* happened in *interval*."""
    own = [tally for tally in tallies if tally.issuer == issuer]
    named = own[:SOURCE_LIMIT]
    counts = [[tally.source, tally.what, tally.count] for tally in named]
    unnamed = sum(tally.count for tally in own[SOURCE_LIMIT:])
    if unnamed:
        counts.append([OTHERS, "any", unnamed])
    return Event(
        id=new_event_id(now, draw),
        issuer=issuer,
        time=now,
        tag=tag,
        actor=Actor(ActorKind.SYSTEM),
        detail={"interval_seconds": int(interval.total_seconds()), "counts": counts},
        salt=draw.take(16),
    )
