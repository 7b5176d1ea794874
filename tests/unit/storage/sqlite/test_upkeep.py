"""A store can be copied while it works, checked, and looked at."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite import SqliteStore, open_sqlite, schema, upkeep
from registrary.testing.factories import ISSUER_ID, a_client, an_event, full_metadata

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """Open a store with fifty clients."""
    store = open_sqlite(tmp_path / "store.db")
    await asyncio.gather(*(register(store) for _ in range(50)))
    yield store
    await store.close()


async def register(store: SqliteStore) -> None:
    """Store one client with its event."""
    client = a_client(metadata=full_metadata())
    await store.commit(Changes(puts=(Put(client),), events=(an_event(),)))


async def clients_of(store: SqliteStore) -> tuple[Client, ...]:
    """Return every client of *store*."""
    return (await store.page(Client, ISSUER_ID, limit=10_000)).records


async def test_a_backup_is_the_store_of_one_moment(store, tmp_path):
    """Whoever restores it finds clients and events that belong together."""
    before = await clients_of(store)

    backup = asyncio.ensure_future(store.backup(tmp_path / "backup.db"))
    while not backup.done():
        await register(store)
    await backup

    copied = open_sqlite(tmp_path / "backup.db", migrate=False)
    clients = await clients_of(copied)
    assert set(map(id_of, before)) <= set(map(id_of, clients))
    assert set(map(id_of, clients)) <= set(map(id_of, await clients_of(store)))
    assert len(clients) == len(await copied.waiting(ISSUER_ID, limit=10_000))
    assert [] == await copied.problems()
    await register(copied)
    await copied.close()


def id_of(client: Client) -> str:
    """Return the id of *client*."""
    return client.client_id


async def test_a_backup_is_one_file_that_its_owner_alone_may_read(store, tmp_path):
    """It holds what the store holds, and is carried about more."""
    folder = tmp_path / "backups"
    folder.mkdir()

    await store.backup(folder / "backup.db")

    assert ["backup.db"] == [path.name for path in folder.iterdir()]
    assert 0o600 == (folder / "backup.db").stat().st_mode & 0o777


async def test_a_backup_replaces_nothing(store, tmp_path):
    """Yesterday's backup is not overwritten by today's damaged store."""
    (tmp_path / "backup.db").write_text("yesterday")

    with pytest.raises(FileExistsError):
        await store.backup(tmp_path / "backup.db")

    assert "yesterday" == (tmp_path / "backup.db").read_text()


async def test_a_backup_that_fails_leaves_nothing(tmp_path):
    """Half a backup is mistaken for one on the day it is needed."""
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam, " * 500)

    with pytest.raises(StoreUnavailable):
        upkeep.copy(tmp_path / "letter.txt", tmp_path / "backup.db")

    assert ["letter.txt"] == [path.name for path in tmp_path.iterdir()]


async def test_damage_is_found(store, tmp_path):
    """A disk that forgets is noticed by asking, not by a client."""
    path = tmp_path / "copy.db"
    await store.backup(path)
    assert [] == upkeep.problems(path)

    content = bytearray(path.read_bytes())
    content[9 * 8192 : 12 * 8192] = bytes(3 * 8192)
    path.write_bytes(content)

    assert [] != upkeep.problems(path)


async def test_the_doctor_sees_what_a_store_stands_on(store):
    """Version, settings and space decide whether the promises can be kept."""
    info = store.info()

    assert (8192, "wal", schema.newest_version()) == (
        info.page_size,
        info.journal_mode,
        info.schema_version,
    )
    assert info.schema_version == info.newest_schema_version
    assert min(info.file_bytes, info.wal_bytes, info.free_disk_bytes) > 0
    assert (3, 51, 3) <= tuple(int(part) for part in info.sqlite_version.split("."))
