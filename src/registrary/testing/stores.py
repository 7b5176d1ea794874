"""The databases that tests run on, and what lies in them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from registrary.config.store_url import is_postgres
from registrary.ports.kept_store import KeptStore
from registrary.storage.postgres import PostgresOptions, migrate_postgres, open_postgres
from registrary.storage.sqlite import open_sqlite
from registrary.testing.postgres import Cluster
from registrary.testing.postgres_run import shared_cluster

TEMPLATE: Final = "registrary_template"
SERVER: Final = "registrary_server"
"""A role that may do in every database what a server needs, and nothing else."""

# A test speaks to its store from one place; a machine full of tests has many stores.
OPTIONS: Final = PostgresOptions(connections=2, connect_seconds=30, read_seconds=30)


@dataclass
class PostgresStores:
    """Databases of *cluster*, each a copy of one that was migrated."""

    cluster: Cluster
    _names: dict[Path, str] = field(default_factory=dict, repr=False)

    def at(self, folder: Path) -> str:
        """Return the URL of the database for *folder*."""
        place = folder.resolve()
        if place not in self._names:
            self._names[place] = self.cluster.create_database(template=TEMPLATE)
        return self.cluster.url(self._names[place])

    def copy(self, folder: Path, target: Path) -> None:
        """Let the database for *target* begin as a copy of the one for *folder*."""
        source = self._names[folder.resolve()]
        self._names[target.resolve()] = self.cluster.create_database(template=source)

    def drop(self, folder: Path) -> None:
        """Drop the database for *folder*, if there is one."""
        if name := self._names.pop(folder.resolve(), None):
            self.cluster.drop_database(name)

    def database(self) -> AbstractContextManager[str]:
        """Make a migrated database; yield its URL, and drop it in the end."""
        return self.cluster.database(template=TEMPLATE)

    def close(self) -> None:
        """Drop the databases of all folders."""
        for folder in list(self._names):
            self.drop(folder)


@contextmanager
def postgres_stores(place: Path) -> Iterator[PostgresStores]:
    """Use the cluster of the run that *place* belongs to; what was made there is dropped after."""
    with shared_cluster(place, make_template) as cluster:
        stores = PostgresStores(cluster)
        try:
            yield stores
        finally:
            stores.close()


def make_template(cluster: Cluster) -> None:
    """Migrate a database that others are copied from."""
    cluster.sql(f"create role {SERVER} login")
    cluster.sql(f'create database "{TEMPLATE}" template template0')
    asyncio.run(migrate_postgres(cluster.url(TEMPLATE), application_role=SERVER))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[KeptStore]:
    """Open the migrated store at *url* beside whoever serves it."""
    store = await open_store(url)
    try:
        yield store
    finally:
        await store.close()


async def open_store(url: str) -> KeptStore:
    """Return the migrated store at *url*, to be closed."""
    if is_postgres(url):
        return await open_postgres(url, options=OPTIONS)
    return open_sqlite(Path(url.removeprefix("sqlite:///")), migrate=False)
