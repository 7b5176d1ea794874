"""A store that answers from memory what nobody changed."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

from registrary.core.changes import Changes
from registrary.core.client import Client
from registrary.core.deliveries import StatusOfClient
from registrary.core.issuer import Issuer
from registrary.core.records import AdminToken, InitialAccessToken
from registrary.core.signing_key import SigningKey
from registrary.ports.store import Conflict, PageOf, Store
from registrary.storage.postgres.node.cache import Place, RecordCache
from registrary.storage.shared.passing import PassingStore

R = TypeVar("R")

# Only kinds whose replacement and removal the store tells to all nodes may stand here. That a
# record is not there is never kept, as nobody tells of those that are made; but of new signing
# keys and issuers they do, so that lists of these may be kept.
RECORDS: Final[dict[type, str]] = {
    Client: Client.kind,
    InitialAccessToken: InitialAccessToken.kind,
    AdminToken: AdminToken.kind,
    StatusOfClient: StatusOfClient.kind,
}
_KINDS: Final = frozenset(RECORDS.values())
_ALL_ISSUERS: Final = Place(Issuer.kind, "", None)


def places_of_change(kind: str, issuer: str, key: str) -> Iterator[Place]:
    """Yield what is no longer true when the record of *kind* with *key* changed."""
    if kind in _KINDS:
        yield Place(kind, issuer, key)
    elif kind == SigningKey.kind:
        yield Place(kind, issuer, None)
    elif kind == Issuer.kind:
        yield _ALL_ISSUERS


class CachingStore(PassingStore):
    """A `Store` whose reads may be as old as a second, but never older than its own last commit.

    What is decided on such a read and then written is checked again by the store, by revision:
    who was wrong gets `Conflict`, and finds the truth when it reads again. What is decided and
    not written is late by that second. Records are shared by all who read them.
    """

    def __init__(self, store: Store, cache: RecordCache) -> None:
        super().__init__(store)
        self._cache = cache
        self.exact: Store = ExactStore(self, store)
        """The same store, read without a memory: for those who must see what was just written."""

    async def commit(self, changes: Changes) -> None:
        """Make all of *changes* durable, or nothing; what was read of it is forgotten."""
        try:
            await self._store.commit(changes)
        except Conflict:
            self._cache.forget(_demanded(changes))
            raise
        finally:
            # Whatever came of it: it may be stored though nobody could tell us.
            self._cache.forget(_written(changes))

    async def get(self, record_type: type[R], issuer: str, key: str) -> R | None:
        """Return the record of *record_type* with *key*, or None."""
        kind = RECORDS.get(record_type)
        if kind is None:
            return await self._store.get(record_type, issuer, key)
        place = Place(kind, issuer, key)
        # Any: what is kept at a place is what was read for its kind.
        found: Any = self._cache.find(place)
        if found is None:
            read = self._cache.begin(place)
            try:
                found = await self._store.get(record_type, issuer, key)
            finally:
                self._cache.end(read, found)
        record: R | None = found
        return record

    async def page(
        self,
        record_type: type[R],
        issuer: str,
        *,
        after: str | None = None,
        limit: int = 100,
        descending: bool = False,
    ) -> PageOf[R]:
        """Return up to *limit* records with keys behind *after*."""
        if record_type is not SigningKey or after is not None or descending:
            return await self._store.page(
                record_type, issuer, after=after, limit=limit, descending=descending
            )
        place = Place(SigningKey.kind, issuer, None)
        kept: Any = self._cache.find(place)  # Any: as above
        if kept is not None and len(kept.records) <= limit:
            whole: PageOf[R] = kept
            return whole
        read, found = self._cache.begin(place), None
        try:
            page = await self._store.page(record_type, issuer, limit=limit)
            found = page if page.next_after is None else None
        finally:
            self._cache.end(read, found)
        return page

    async def issuers(self) -> Sequence[Issuer]:
        """Return every issuer, oldest first."""
        kept: Any = self._cache.find(_ALL_ISSUERS)  # Any: as above
        if kept is None:
            read = self._cache.begin(_ALL_ISSUERS)
            try:
                kept = tuple(await self._store.issuers())
            finally:
                self._cache.end(read, kept)
        issuers: Sequence[Issuer] = kept
        return issuers


class ExactStore:
    """The other side of a `CachingStore`: it reads the store itself, and writes as that does."""

    def __init__(self, caching: CachingStore, store: Store) -> None:
        self.commit = caching.commit
        self.get = store.get
        self.counter = store.counter
        self.page = store.page
        self.expired = store.expired
        self.issuers = store.issuers
        self.close = caching.close


def _written(changes: Changes) -> Iterator[Place]:
    for put in changes.puts:
        yield from places_of_change(put.record.kind, put.record.issuer, put.record.key)
    for deletion in changes.deletions:
        yield from places_of_change(deletion.kind, deletion.issuer, deletion.key)


def _demanded(changes: Changes) -> Iterator[Place]:
    for part in changes.unchanged:
        yield from places_of_change(part.kind, part.issuer, part.key)
