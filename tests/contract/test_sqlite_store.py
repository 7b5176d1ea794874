"""The SQLite back-end keeps the contracts, also where two open the same file."""

from pathlib import Path

import pytest

from registrary.storage.sqlite import open_sqlite
from registrary.testing.audit_log_contract import AuditLogContract
from registrary.testing.backend_contract import LoggingStore, MakeStore
from registrary.testing.concurrency_contract import ConcurrencyContract, SharedStoreContract
from registrary.testing.store_contract import StoreContract


class TestSqliteStore(StoreContract, AuditLogContract, ConcurrencyContract, SharedStoreContract):
    @pytest.fixture
    def make_store(self, tmp_path: Path) -> MakeStore:
        async def make() -> LoggingStore:
            return open_sqlite(tmp_path / "store.db")

        return make
