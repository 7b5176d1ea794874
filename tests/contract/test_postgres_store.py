"""The PostgreSQL back-end keeps the contracts, also where two open the same database."""

import asyncio
from collections.abc import Iterator

import pytest

from registrary.storage.postgres import PostgresOptions, migrate_postgres, open_postgres
from registrary.testing.audit_log_contract import AuditLogContract
from registrary.testing.backend_contract import LoggingStore, MakeStore
from registrary.testing.concurrency_contract import ConcurrencyContract, SharedStoreContract
from registrary.testing.postgres import Cluster
from registrary.testing.store_contract import StoreContract

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


class TestPostgresStore(StoreContract, AuditLogContract, ConcurrencyContract, SharedStoreContract):
    @pytest.fixture
    def make_store(self, url: str) -> MakeStore:
        async def make() -> LoggingStore:
            return await open_postgres(url, options=PostgresOptions(connections=4))

        return make
