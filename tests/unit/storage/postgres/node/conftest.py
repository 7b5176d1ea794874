"""A database for nodes."""

import asyncio
from collections.abc import Iterator

import pytest

from registrary.storage.postgres import migrate_postgres
from registrary.testing.postgres import Cluster

TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Run a server with a migrated database to copy."""
    with Cluster.running() as cluster:
        cluster.sql(f"create database {TEMPLATE} template template0")
        asyncio.run(migrate_postgres(cluster.url(TEMPLATE)))
        yield cluster


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    """Return where an empty store is."""
    with cluster.database(template=TEMPLATE) as url:
        yield url
