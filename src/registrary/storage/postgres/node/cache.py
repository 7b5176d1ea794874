"""Records in memory, for as long as it is known that nobody else changed them."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

LIMIT: Final = 10_000  # records of one process
USABLE_SECONDS: Final = 0.8  # after the look at what changed that confirmed them

# Where there is one, the clock that goes on while the machine sleeps. No clock on the wall: those
# are set, and what was read would become young again.
_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_seconds() -> float:
    """Return seconds that pass evenly, whatever anybody sets."""
    return time.clock_gettime(_CLOCK)


class Place(NamedTuple):
    """Where something is kept. A *key* of None means all records of the kind."""

    kind: str
    issuer: str
    key: str | None


class Read:
    """A read under way. What came of it is not kept when its place changed meanwhile."""

    __slots__ = ("is_void", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.is_void = False


class RecordCache:
    """A bounded memory of what the store said; who was not asked for longest goes first.

    What it holds may be used until `USABLE_SECONDS` after the beginning of the last look at what
    all nodes changed. A node that cannot look any more forgets: what it would serve might be
    revoked. Nothing here waits, so no two calls can mix. *hits* and *misses* count its answers.
    """

    def __init__(self, *, limit: int = LIMIT, clock: Callable[[], float] = steady_seconds) -> None:
        self._limit = limit
        self._clock = clock
        self._kept: OrderedDict[Place, object] = OrderedDict()
        self._reads: dict[Place, set[Read]] = {}
        self._usable_until = float("-inf")
        self.hits = 0
        self.misses = 0

    @property
    def age_seconds(self) -> float:
        """How long ago the last look at what changed began; infinite before the first one."""
        return self._clock() - (self._usable_until - USABLE_SECONDS)

    def find(self, place: Place) -> object | None:
        """Return what is kept at *place*, None when nothing is or it may have changed."""
        found = self._kept.get(place)
        if found is None or self._clock() >= self._usable_until:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(place)
        return found

    def begin(self, place: Place) -> Read:
        """Note that *place* is about to be read in the store."""
        read = Read(place)
        self._reads.setdefault(place, set()).add(read)
        return read

    def end(self, read: Read, found: object | None) -> None:
        """Keep what *read* found, unless it is None or may be of the time before a change.

        A change is told once. Told between the read's snapshot and now, it would be forgotten
        for good if what was read were kept.
        """
        reads = self._reads[read.place]
        reads.discard(read)
        if not reads:
            del self._reads[read.place]
        if found is None or read.is_void:
            return
        self._kept[read.place] = found
        self._kept.move_to_end(read.place)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def forget(self, places: Iterable[Place]) -> None:
        """Forget what is kept at *places*, and what is just being read there."""
        for place in places:
            self._kept.pop(place, None)
            for read in self._reads.get(place, ()):
                read.is_void = True

    def forget_all(self) -> None:
        """Forget everything, as when it is not known what changed."""
        self._kept.clear()
        for reads in self._reads.values():
            for read in reads:
                read.is_void = True

    def confirm(self, looked_at: float) -> None:
        """Let what is kept be used: all changes before *looked_at*, by our clock, are told."""
        self._usable_until = looked_at + USABLE_SECONDS

    def __len__(self) -> int:
        """Return how many records and lists are kept."""
        return len(self._kept)
