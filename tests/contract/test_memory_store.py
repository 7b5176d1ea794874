"""The memory back-end keeps the contracts."""

import pytest

from registrary.storage.memory.store import MemoryStore
from registrary.testing.audit_log_contract import AuditLogContract
from registrary.testing.backend_contract import LoggingStore, MakeStore
from registrary.testing.concurrency_contract import ConcurrencyContract
from registrary.testing.store_contract import StoreContract


class TestMemoryStore(StoreContract, AuditLogContract, ConcurrencyContract):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        async def make() -> LoggingStore:
            return MemoryStore()

        return make
