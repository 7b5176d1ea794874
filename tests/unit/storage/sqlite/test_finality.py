"""What happened stays as it was written: a careless statement of ours is refused."""

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from registrary.core.changes import Changes, Put
from registrary.ports.audit_log import Sequencing
from registrary.storage.sqlite import SqliteStore, open_sqlite
from registrary.storage.sqlite.connection import connect_writer
from registrary.testing.factories import ISSUER_ID, a_client, an_event

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """Open a store with one client, one event and one checkpoint."""
    store = open_sqlite(tmp_path / "store.db")
    event = an_event(client_id="c")
    await store.commit(Changes(puts=(Put(a_client(client_id="c")),), events=(event,)))
    await store.sequence(Sequencing(ISSUER_ID, 0, (event.id,), (), "note"))
    yield store
    await store.close()


FORBIDDEN = {
    "event": "DELETE FROM event",
    "event-body": "UPDATE event SET body = '{}'",
    "event-salt": "UPDATE event SET salt = x'00'",
    "event-time": "UPDATE event SET time = 0, body = NULL, salt = NULL",
    "event-place": "UPDATE event SET sequence = 7, body = NULL, salt = NULL",
    "event-leaf": "UPDATE event SET leaf_hash = zeroblob(32), body = NULL, salt = NULL",
    "event-client": "UPDATE event SET client_id = 'd', body = NULL, salt = NULL",
    "event-replaced": "REPLACE INTO event SELECT sequence, issuer, event_id, time, client_id,"
    " '{}', salt, leaf_hash FROM event",
    "log": "DELETE FROM event_log",
    "log-shrinks": "UPDATE event_log SET size = 0",
    "checkpoint": "DELETE FROM checkpoint",
    "checkpoint-note": "UPDATE checkpoint SET note = 'another'",
    "client": "DELETE FROM client",
}


@pytest.mark.parametrize("sql", FORBIDDEN.values(), ids=FORBIDDEN.keys())
async def test_history_is_not_rewritten(store, sql):
    """Tampering takes more than a statement, and the verifier finds the rest."""
    with closing(connect_writer(store.path)) as connection, pytest.raises(apsw.ConstraintError):
        connection.execute(sql).fetchall()


async def test_personal_data_can_be_erased_and_the_leaf_stays(store):
    """Erasing a person from the log must not break anybody's proof."""
    (before,) = await store.recent_events(ISSUER_ID, limit=1)

    with closing(connect_writer(store.path)) as connection:
        connection.execute("UPDATE event SET body = NULL, salt = NULL, client_id = NULL")

    (after,) = await store.recent_events(ISSUER_ID, limit=1)
    assert (None, None, None) == (after.body, after.salt, after.client_id)
    assert (before.event_id, before.leaf_hash, 0) == (after.event_id, after.leaf_hash, after.index)
