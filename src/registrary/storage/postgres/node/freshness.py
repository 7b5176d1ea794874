"""Following what all nodes change, so that nothing in memory outlives its truth for long."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from registrary.storage.postgres.node.cache import Place, RecordCache, steady_seconds
from registrary.storage.postgres.node.caching import places_of_change

REACH_SECONDS: Final = 120.0  # so far back every feed tells; what is older may be swept


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where changes are told: a snapshot of the server that *server* tells from others.

    *server* is another after a start, a crash or a failover: numbers of transactions may then
    be given a second time.
    """

    server: str
    snapshot: str


@dataclass(frozen=True, slots=True)
class Change:
    """A record that was replaced or removed, or came into a list that is kept."""

    kind: str
    issuer: str
    key: str


@dataclass(frozen=True, slots=True)
class News:
    """What changed up to *position*; None where that cannot be told."""

    position: Position
    changes: Sequence[Change] | None


class Feed(Protocol):
    """Tells what changed."""

    async def news(self, since: Position | None) -> News:
        """Return every change that became visible after *since*, and where that leaves us."""
        ...


class Freshness:
    """Keeps *cache* true: one look after the other, each going on where the last one ended."""

    def __init__(self, cache: RecordCache, *, clock: Callable[[], float] = steady_seconds) -> None:
        self._cache = cache
        self._clock = clock
        self._since: Position | None = None
        self._looked_at = float("-inf")

    async def follow(self, feed: Feed) -> None:
        """Look once at what changed. Whatever keeps us from it costs everything in memory."""
        looked_at = self._clock()
        if looked_at - self._looked_at > REACH_SECONDS:
            self._since = None
        try:
            news = await feed.news(self._since)
        except BaseException:
            self.lose()
            raise
        self._since, self._looked_at = news.position, looked_at
        if news.changes is None:
            self._cache.forget_all()
        else:
            self._cache.forget(_places(news.changes))
        self._cache.confirm(looked_at)

    def lose(self) -> None:
        """Forget everything, and begin anew with the next look."""
        self._since = None
        self._cache.forget_all()


def _places(changes: Sequence[Change]) -> list[Place]:
    return [
        place
        for change in changes
        for place in places_of_change(change.kind, change.issuer, change.key)
    ]
