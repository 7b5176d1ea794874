"""What every contract of a back-end shares: how it is opened, and a record of each kind."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Protocol

import pytest

from registrary.core.changes import Changes, Put, Record
from registrary.ports.audit_log import AuditLog
from registrary.ports.store import Conflict, Store
from registrary.testing.clock import MOMENT
from registrary.testing.factories import (
    a_client,
    a_credential,
    a_hold,
    a_revoked_token,
    a_signing_key,
    a_spent_assertion,
    an_admin_token,
    an_initial_access_token,
    an_issuer,
    full_metadata,
)
from registrary.testing.people_factories import one_of_each_kind_about_people

OTHER_ISSUER_ID = "abcdef0123"
SECOND = timedelta(seconds=1)


class LoggingStore(Store, AuditLog, Protocol):
    """What a back-end is: a store that keeps the audit log of what is committed to it."""


MakeStore = Callable[[], Awaitable[LoggingStore]]

ONE_OF_EACH_KIND: tuple[Record, ...] = (
    a_client(
        metadata=full_metadata(client_name="Müller 🐘"),
        holds=(a_hold(),),
        secrets=(a_credential(expires_at=MOMENT, retire_at=MOMENT, sealed=b"\x00\xff"),),
        provenance={"grant_types": "default"},
    ),
    an_initial_access_token(uses=3, expires_at=MOMENT, policies=("one", "two")),
    an_admin_token(),
    a_revoked_token(),
    a_spent_assertion(),
    a_signing_key(),
    an_issuer(),
    *one_of_each_kind_about_people(),
)


def put_new(*records: Record) -> Changes:
    """Return the write of *records* that are not there yet."""
    return Changes(puts=tuple(Put(record) for record in records))


async def conflict_of(store: Store, changes: Changes) -> str:
    """Commit *changes*, which must conflict, and return what the conflict is about."""
    with pytest.raises(Conflict) as caught:
        await store.commit(changes)
    return caught.value.what


class BackendContract:
    """The fixture that all contracts share."""

    @pytest.fixture
    def make_store(self) -> MakeStore:
        """Return what opens a store; each back-end says how."""
        raise NotImplementedError

    @pytest.fixture
    async def store(self, make_store: MakeStore) -> AsyncIterator[LoggingStore]:
        """Open a store for one test and close it afterwards."""
        store = await make_store()
        yield store
        await store.close()
