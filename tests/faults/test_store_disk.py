"""A disk that is full, fails or is read-only: clear refusals, nothing by half, no restart.

The disk is a layer between SQLite and the real one that fails when told to, so that every single
write of a commit can be the one that fails.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest

from registrary.core.changes import Changes, Consume, Put
from registrary.core.client import Client
from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite import SqliteStore, open_sqlite
from registrary.testing.factories import ISSUER_ID, a_client, an_event

pytestmark = pytest.mark.anyio

NEVER = 1_000_000  # good writes before the first bad one


class FaultyDisk(apsw.VFS):
    """A disk that does what it should until `error` is set, and for *good_writes* after that."""

    def __init__(self) -> None:
        super().__init__("faulty", "")
        self.error: apsw.Error | None = None
        self.good_writes = 0
        self.good_syncs = 0

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's word
        """Open a file of this disk."""
        return FaultyFile(self, name, flags)

    def break_with(self, error: apsw.Error, *, writes: int) -> None:
        """Fail with *error* after so many good writes."""
        self.error, self.good_writes, self.good_syncs = error, writes, NEVER

    def break_syncs(self, error: apsw.Error) -> None:
        """Write whatever comes, and force none of it to disk."""
        self.error, self.good_writes, self.good_syncs = error, NEVER, 0

    def heal(self) -> None:
        """Work again."""
        self.error = None


class FaultyFile(apsw.VFSFile):
    """A file on a `FaultyDisk`."""

    def __init__(self, disk: FaultyDisk, name, flags) -> None:
        super().__init__("", name, flags)
        self._disk = disk

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's word
        """Write, unless the disk fails."""
        disk = self._disk
        if disk.error is not None:
            if disk.good_writes == 0:
                raise disk.error
            disk.good_writes -= 1
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's word
        """Force to disk, unless the disk fails."""
        disk = self._disk
        if disk.error is not None:
            if disk.good_syncs == 0:
                raise disk.error
            disk.good_syncs -= 1
        super().xSync(flags)


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    """Put the disk under SQLite for one test."""
    disk = FaultyDisk()
    yield disk
    disk.unregister()


@pytest.fixture
async def store(disk: FaultyDisk, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """Open a store on the disk."""
    store = open_sqlite(tmp_path / "store.db", vfs="faulty")
    yield store
    disk.heal()
    await store.close()


def registration(client_id: str) -> Changes:
    """Return the write of a client with its event and its count."""
    return Changes(
        puts=(Put(a_client(client_id=client_id)),),
        events=(an_event(client_id=client_id),),
        consumptions=(Consume(ISSUER_ID, "registered", limit=1000),),
    )


async def assert_stored(store: SqliteStore, *client_ids: str) -> None:
    """Check that exactly *client_ids* are stored, whole, and that the file is sound."""
    page = await store.page(Client, ISSUER_ID, limit=1000)
    events = await store.recent_events(ISSUER_ID, limit=1000)

    assert set(client_ids) == {client.client_id for client in page.records}
    assert set(client_ids) == {event.client_id for event in events}
    assert len(client_ids) == await store.counter(ISSUER_ID, "registered")
    assert [] == await store.problems()


FAILURES = {
    "full": (apsw.FullError("no space"), "the disk is full"),
    "broken": (apsw.IOError("no luck"), "its disk reports an error"),
    "read-only": (apsw.ReadOnlyError("no way"), "it cannot be written"),
}


@pytest.mark.parametrize(("error", "text"), FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("writes", range(6))
async def test_a_commit_that_fails_midway_leaves_nothing(store, disk, error, text, writes):
    """Whichever write it is that the disk refuses, no part of the client is there."""
    await store.commit(registration("before"))

    disk.break_with(error, writes=writes)
    with pytest.raises(StoreUnavailable, match=text):
        await store.commit(registration("during"))
    disk.heal()

    await assert_stored(store, "before")
    await store.commit(registration("after"))
    await assert_stored(store, "before", "after")


@pytest.mark.parametrize("was_read", [False, True], ids=["only-written", "also-read"])
async def test_a_commit_that_is_not_on_disk_does_not_come_back(store, disk, *, was_read):
    """A client was told 503: it must not be registered later by what was left in the log.

    It came back where the writer, reconnecting, was the only one that had the file open.
    """
    await store.commit(registration("before"))
    if was_read:
        await store.get(Client, ISSUER_ID, "before")

    disk.break_syncs(apsw.IOError("no luck"))
    for attempt in range(2):
        with pytest.raises(StoreUnavailable):
            await store.commit(registration(f"during {attempt}"))
    disk.heal()

    await assert_stored(store, "before")
    await store.commit(registration("after"))
    await assert_stored(store, "before", "after")


async def test_a_commit_that_is_not_on_disk_is_gone_after_a_restart(store, disk, tmp_path):
    """The same when the disk works again and the server is stopped before anybody writes."""
    await store.commit(registration("before"))
    disk.break_syncs(apsw.IOError("no luck"))
    with pytest.raises(StoreUnavailable):
        await store.commit(registration("during"))
    disk.heal()

    await store.close()
    again = open_sqlite(tmp_path / "store.db")

    await assert_stored(again, "before")
    await again.close()


async def test_a_full_disk_is_told_to_all_and_read_from(store, disk):
    """While nobody can register, those who are registered still get their tokens."""
    await store.commit(registration("before"))
    disk.break_with(apsw.FullError("no space"), writes=0)

    for attempt in range(3):
        with pytest.raises(StoreUnavailable):
            await store.commit(registration(f"during {attempt}"))
        assert await store.get(Client, ISSUER_ID, "before") is not None
    disk.heal()

    await store.commit(registration("after"))
    await assert_stored(store, "before", "after")


async def test_an_operator_is_told_which_file_and_what_to_do(store, disk):
    """A line in the log at night has to be enough."""
    disk.break_with(apsw.FullError("no space"), writes=0)

    with pytest.raises(StoreUnavailable) as caught:
        await store.commit(registration("c"))

    assert f"{store.path}: the disk is full; writing goes on by itself once there is space" == str(
        caught.value
    )


async def test_a_store_that_cannot_be_made_says_so(tmp_path):
    """A mistyped folder is found at start, with its name."""
    with pytest.raises(StoreUnavailable, match=r"absent/store\.db: it cannot be created"):
        open_sqlite(tmp_path / "absent" / "store.db")


async def test_a_file_that_is_no_database_is_refused(tmp_path):
    """A wrong path must not turn somebody's document into a store."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir or Madam, " * 500)

    with pytest.raises(StoreUnavailable, match="no SQLite file"):
        open_sqlite(path)

    assert path.read_text().startswith("Dear Sir")
