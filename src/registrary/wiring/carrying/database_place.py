"""A database in PostgreSQL as it is carried: rows, the sealed keys, and the store itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from registrary.config import Settings
from registrary.config.store_url import store_url
from registrary.keys.encryption import EncryptionKey
from registrary.keys.stored import SealedKeys
from registrary.ports.kept_store import KeptStore
from registrary.storage.postgres import PostgresStore, migrate_postgres, open_postgres
from registrary.storage.postgres.errors import SchemaMismatch
from registrary.storage.postgres.transfer import PostgresArchive
from registrary.wiring.adapters import Vault
from registrary.wiring.carrying.key_places import SealedKeyPlace
from registrary.wiring.database import postgres_options
from registrary.wiring.sealed_keys import keys_at_hand


class DatabasePlace:
    """A database with the key document in it. Nothing is connected before it is asked."""

    def __init__(self, settings: Settings, at_hand: tuple[EncryptionKey, ...]) -> None:
        self._url = store_url(settings)
        self._options = postgres_options(settings)
        self._at_hand = at_hand
        self._documents: PostgresStore | None = None
        self.archive = PostgresArchive(self._url, self._options)
        self.keys = SealedKeyPlace(self, at_hand)

    async def store(self) -> KeptStore:
        """Return the store in the database."""
        return await open_postgres(self._url, options=self._options)

    async def vault(self) -> Vault:
        """Return the store in the database, with its keys."""
        store = await open_postgres(self._url, options=self._options)
        try:
            return Vault(store, await SealedKeys(store, self._at_hand).open(create=False))
        except BaseException:
            await store.close()
            raise

    async def key_document(self) -> tuple[int, bytes] | None:
        """Return the sealed document and its revision."""
        return await (await self._kept()).key_document()

    async def replace_key_document(self, document: bytes, *, expected: int | None) -> None:
        """Put *document* in the place of revision *expected*."""
        await (await self._kept()).replace_key_document(document, expected=expected)

    async def close(self) -> None:
        """Let go of the database."""
        await self.archive.close()
        if self._documents is not None:
            await self._documents.close()

    async def _kept(self) -> PostgresStore:
        if self._documents is None:
            self._documents = await open_postgres(self._url, options=self._options)
        return self._documents


@asynccontextmanager
async def open_database_place(settings: Settings, *, create: bool) -> AsyncIterator[DatabasePlace]:
    """Open the database of *settings*; with *create* its tables are made where there are none."""
    place = DatabasePlace(settings, keys_at_hand(settings, create=create))
    try:
        if create:
            await _see_to_tables(place, settings)
        yield place
    finally:
        await place.close()


async def _see_to_tables(place: DatabasePlace, settings: Settings) -> None:
    """Make the tables, which only the owner may, unless they are there."""
    try:
        async with place.archive.snapshot():
            return
    except SchemaMismatch:
        await migrate_postgres(store_url(settings), options=postgres_options(settings))
