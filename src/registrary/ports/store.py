"""The store: reads by key and by page, and one way to write."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from registrary.core.changes import Changes, Record
from registrary.core.issuer import Issuer

R = TypeVar("R")
K = TypeVar("K", bound=Record)


class Conflict(Exception):
    """Something the write relied on is no longer so; nothing of it was stored.

    *what* names the kind of record or the counter, for the use case that decides again.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"the stored {what} is not as expected")
        self.what = what


class StoreUnavailable(Exception):
    """The store cannot answer or write now; nothing was stored. Trying later may help.

    The text is for operators (disk full, read-only file, lock held too long), never for
    clients, who get 503 with ``Retry-After``.
    """


@dataclass(frozen=True, slots=True)
class PageOf(Generic[R]):
    """Some records in key order, and the key to go on after (None: these were the last)."""

    records: tuple[R, ...]
    next_after: str | None


class Store(Protocol):
    """Keeps records, counters and events of all issuers.

    Every record type of ``core`` with a ``kind`` can be kept. A read sees every commit that
    was acknowledged before it began, of this process or another.
    """

    async def commit(self, changes: Changes) -> None:
        """Make all of *changes* durable, or nothing.

        Raises `Conflict` when a revision, a counter or an absence is not as *changes* demands
        and `StoreUnavailable` when it could not be written. When this returns, the write is on
        disk. A caller that goes away does not undo a write under way.
        """
        ...

    async def get(self, record_type: type[R], issuer: str, key: str) -> R | None:
        """Return the record of *record_type* with *key*, or None."""
        ...

    async def counter(self, issuer: str, name: str) -> int:
        """Return the value of a counter; zero when it was never counted."""
        ...

    async def page(
        self,
        record_type: type[R],
        issuer: str,
        *,
        after: str | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> PageOf[R]:
        """Return up to *limit* records with keys behind *after*, in key order.

        With *descending* the order is from the greatest key down.
        """
        ...

    async def expired(
        self, record_type: type[R], issuer: str, *, now: datetime, limit: int
    ) -> Sequence[R]:
        """Return up to *limit* records whose ``expires_at`` has passed, oldest first."""
        ...

    async def issuers(self) -> Sequence[Issuer]:
        """Return every issuer, oldest first."""
        ...

    async def close(self) -> None:
        """Finish the writes under way and let go of the store."""
        ...


async def every(store: Store, record_type: type[R], issuer: str) -> AsyncIterator[R]:
    """Yield all records of *issuer* in key order, a page at a time."""
    after = None
    while True:
        page = await store.page(record_type, issuer, after=after)
        for record in page.records:
            yield record
        if page.next_after is None:
            return
        after = page.next_after


async def below(
    store: Store, record_type: type[K], issuer: str, *, prefix: str
) -> AsyncIterator[K]:
    """Yield the records of *issuer* whose keys begin with *prefix*, in order, a page at a time."""
    after: str | None = prefix
    while after is not None:
        page = await store.page(record_type, issuer, after=after)
        for record in page.records:
            if not record.key.startswith(prefix):
                return
            yield record
        after = page.next_after
