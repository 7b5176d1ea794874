"""A PostgreSQL with a migrated database to copy, and a role that may do what a server may."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from registrary.storage.postgres import PostgresStore, open_postgres
from registrary.testing.postgres import Cluster
from registrary.testing.stores import SERVER, TEMPLATE, postgres_stores


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Join the server that all tests of this run share."""
    own = tmp_path_factory.getbasetemp()
    with postgres_stores(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as stores:
        yield stores.cluster


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
