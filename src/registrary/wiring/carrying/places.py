"""Stores as they are carried: rows, keys, and the store itself to be verified."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from registrary.config import Settings, SettingsError
from registrary.config.store_url import is_postgres, store_url
from registrary.keys.local import FileKeys
from registrary.ports.kept_store import KeptStore
from registrary.ports.transfer import Archive
from registrary.storage.sqlite import open_sqlite
from registrary.storage.sqlite.connection import create_file
from registrary.storage.sqlite.transfer import SqliteArchive
from registrary.wiring.adapters import Vault, database_path
from registrary.wiring.carrying.key_places import KeyFile, KeyPlace, take_owner
from registrary.wiring.offline import key_path
from registrary.wiring.sealed_keys import named_keys


class Place(Protocol):
    """A store of some kind, and where its keys are."""

    @property
    def archive(self) -> Archive:
        """Return the store as rows."""
        ...

    @property
    def keys(self) -> KeyPlace:
        """Return where its keys are."""
        ...

    async def store(self) -> KeptStore:
        """Return the store, opened to be read; its tables are not touched."""
        ...

    async def vault(self) -> Vault:
        """Return the store with its keys, opened to be looked at."""
        ...


class FilePlace:
    """An SQLite file with its key file."""

    def __init__(self, database: Path, key_file: Path, keys: KeyFile) -> None:
        self._database = database
        self._key_file = key_file
        self.archive = SqliteArchive(database)
        self.keys = keys

    async def store(self) -> KeptStore:
        """Return the store in the file."""
        return open_sqlite(self._database, migrate=False)

    async def vault(self) -> Vault:
        """Return the store in the file, with its keys."""
        return Vault(open_sqlite(self._database, migrate=False), FileKeys(self._key_file))


@asynccontextmanager
async def open_place(settings: Settings, *, create: bool) -> AsyncIterator[Place]:
    """Open the store of *settings*; with *create* one is made where there is none.

    Raises `SettingsError` when there is none, and `StoreUnavailable`.
    """
    if is_postgres(store_url(settings)):
        # Imported here: who stays with SQLite need not wait for it.
        from registrary.wiring.carrying.database_place import open_database_place  # noqa: PLC0415 - above

        async with open_database_place(settings, create=create) as place:
            yield place
        return
    file_place = await _file_place(settings, create=create)
    try:
        yield file_place
    finally:
        await file_place.archive.close()


async def _file_place(settings: Settings, *, create: bool) -> FilePlace:
    database, key_file = database_path(settings), key_path(settings)
    if not database.exists():
        if not create:
            raise SettingsError(f"there is no store at {database}")
        database.parent.mkdir(parents=True, exist_ok=True)
        create_file(database)
        take_owner(database.parent, database)
    if create:
        await open_sqlite(database).close()
    return FilePlace(database, key_file, KeyFile(key_file, named_keys(settings)))
