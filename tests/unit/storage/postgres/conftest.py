"""A PostgreSQL with a migrated database to copy, and a role that may do what a server may."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from registrary.storage.postgres import PostgresStore, migrate_postgres, open_postgres
from registrary.testing.postgres import Cluster

TEMPLATE = "migrated"
SERVER = "registrary_server"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Run a server with a migrated database to copy."""
    with Cluster.running() as cluster:
        cluster.sql(f"create role {SERVER} login")
        cluster.sql(f"create database {TEMPLATE} template template0")
        asyncio.run(migrate_postgres(cluster.url(TEMPLATE), application_role=SERVER))
        yield cluster


@pytest.fixture
def empty_url(cluster: Cluster) -> Iterator[str]:
    """Return where nothing is yet."""
    with cluster.database() as url:
        yield url


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    """Return where an empty store is, as its owner."""
    with cluster.database(template=TEMPLATE) as url:
        yield url


@pytest.fixture
def server_url(cluster: Cluster, url: str) -> str:
    """Return where the same store is, as the role of a server."""
    return cluster.url(url.rpartition("/")[2], user=SERVER)


@pytest.fixture
async def store(server_url: str) -> AsyncIterator[PostgresStore]:
    """Open the store as a server does."""
    store = await open_postgres(server_url)
    yield store
    await store.close()
