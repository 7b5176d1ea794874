"""The PostgreSQL back-end keeps the contracts, with the rights of a server and behind a pooler."""

import os
from collections.abc import Iterator

import pytest

from registrary.storage.postgres import PostgresOptions, open_postgres
from registrary.testing.audit_log_contract import AuditLogContract, SequencingContract
from registrary.testing.backend_contract import LoggingStore, MakeStore
from registrary.testing.concurrency_contract import ConcurrencyContract, SharedStoreContract
from registrary.testing.postgres import Cluster
from registrary.testing.store_contract import AtomicityContract, StoreContract
from registrary.testing.stores import SERVER, TEMPLATE, postgres_stores
from tests.faults.bouncer import bouncer_before


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Join the server that all tests of this run share."""
    own = tmp_path_factory.getbasetemp()
    with postgres_stores(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as stores:
        yield stores.cluster


@pytest.fixture(scope="module")
def pooler_port(cluster: Cluster) -> Iterator[int]:
    """Run a pooler that gives every transaction another connection."""
    with bouncer_before(cluster) as bouncer:
        yield bouncer.port


@pytest.fixture
def name(cluster: Cluster) -> Iterator[str]:
    """Return the name of a database with an empty store."""
    with cluster.database(template=TEMPLATE) as url:
        yield url.rpartition("/")[2]


class TestPostgresStore(StoreContract, AuditLogContract, ConcurrencyContract, SharedStoreContract):
    @pytest.fixture
    def make_store(self, cluster: Cluster, name: str) -> MakeStore:
        async def make() -> LoggingStore:
            return await open_postgres(cluster.url(name, user=SERVER))

        return make


class TestPooledStore(
    AtomicityContract, SequencingContract, ConcurrencyContract, SharedStoreContract
):
    @pytest.fixture
    def make_store(self, cluster: Cluster, name: str, pooler_port: int) -> MakeStore:
        url = cluster.url(name).replace(f":{cluster.port}/", f":{pooler_port}/")

        async def make() -> LoggingStore:
            return await open_postgres(url, options=PostgresOptions(pooled=True))

        return make
