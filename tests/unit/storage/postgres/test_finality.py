"""What happened stays as it was written: by rules for everybody, by rights for a server."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from asyncpg import exceptions

from registrary.core.changes import Changes, Put
from registrary.ports.audit_log import Sequencing
from registrary.storage.postgres import PostgresStore, open_postgres
from registrary.storage.postgres.errors import state_of
from registrary.testing.factories import ISSUER_ID, a_client, an_event
from registrary.testing.postgres import Cluster
from registrary.testing.stores import SERVER, TEMPLATE

pytestmark = pytest.mark.anyio

REFUSED = "RG002"
NO_RIGHT = "42501"


async def fill(store: PostgresStore) -> None:
    """Write one client, one event and one checkpoint."""
    event = an_event(client_id="c")
    await store.commit(Changes(puts=(Put(a_client(client_id="c")),), events=(event,)))
    await store.sequence(Sequencing(ISSUER_ID, 0, (event.id,), (), "origin\n1\nroot\n"))


@pytest.fixture
async def filled(store: PostgresStore) -> PostgresStore:
    """Return a store of which one test may do as it likes."""
    await fill(store)
    return store


@pytest.fixture
async def owner(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect to that store as the owner of its tables."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
def firm(cluster: Cluster) -> Iterator[str]:
    """Return the name of a filled database that nobody may succeed in changing."""

    async def prepare(url: str) -> None:
        store = await open_postgres(url)
        await fill(store)
        await store.close()

    with cluster.database(template=TEMPLATE) as url:
        asyncio.run(prepare(url))
        yield url.rpartition("/")[2]


async def state_after(url: str, sql: str) -> str:
    """Return by what PostgreSQL refuses *sql* at *url*; empty when it does not."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    except exceptions.PostgresError as error:
        return state_of(error)
    finally:
        await connection.close()
    return ""


FORBIDDEN = {
    "event": "DELETE FROM registrary.event",
    "event-table": "TRUNCATE registrary.event",
    "event-body": "UPDATE registrary.event SET body = '{}'",
    "event-salt": "UPDATE registrary.event SET salt = '\\x00'",
    "event-time": "UPDATE registrary.event SET time = 0, body = NULL, salt = NULL",
    "event-id": "UPDATE registrary.event SET event_id = gen_random_uuid(), body = NULL,"
    " salt = NULL",
    "event-leaf": "UPDATE registrary.event SET leaf_hash = decode(repeat('00', 32), 'hex'),"
    " body = NULL, salt = NULL",
    "event-client": "UPDATE registrary.event SET client_id = 'd', body = NULL, salt = NULL",
    "log": "DELETE FROM registrary.event_log",
    "log-table": "TRUNCATE registrary.event_log",
    "log-shrinks": "UPDATE registrary.event_log SET size = 0",
    "place": "UPDATE registrary.event_place SET place = 9",
    "place-removed": "DELETE FROM registrary.event_place",
    "place-table": "TRUNCATE registrary.event_place",
    "checkpoint": "DELETE FROM registrary.checkpoint",
    "checkpoint-table": "TRUNCATE registrary.checkpoint",
    "checkpoint-note": "UPDATE registrary.checkpoint SET note = 'another'",
    "client": "DELETE FROM registrary.client",
    "client-table": "TRUNCATE registrary.client",
}

FOREIGN = {
    "rule": "ALTER TABLE registrary.event DISABLE TRIGGER event_stays",
    "rule-removed": "DROP TRIGGER client_stays ON registrary.client",
    "replica": "SET session_replication_role = replica",
    "table": "CREATE TABLE registrary.mine (a text)",
    "table-removed": "DROP TABLE registrary.rate",
    "column": "ALTER TABLE registrary.client ADD COLUMN mine text",
    "function": "CREATE OR REPLACE FUNCTION registrary.refuse() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN RETURN NULL; END $$",
    "partition": "DELETE FROM registrary.event_otherwise",
    "version": "UPDATE registrary.schema_version SET oldest = 1",
    "key-document": "DELETE FROM registrary.key_document",
    "log-number": "UPDATE registrary.event_log SET number = DEFAULT",
}
"""What only an owner may do, or nobody."""


@pytest.mark.parametrize("sql", FORBIDDEN.values(), ids=FORBIDDEN.keys())
async def test_history_is_not_rewritten_by_its_owner(cluster, firm, sql):
    """Tampering takes more than a statement, and the verifier finds the rest."""
    assert REFUSED == await state_after(cluster.url(firm), sql)


@pytest.mark.parametrize(
    "sql", [*FORBIDDEN.values(), *FOREIGN.values()], ids=[*FORBIDDEN.keys(), *FOREIGN.keys()]
)
async def test_a_server_has_no_right_to_rewrite_history(cluster, firm, sql):
    """Who takes over a node still cannot take back what it did."""
    state = await state_after(cluster.url(firm, user=SERVER), sql)

    # A log that shrinks is refused by the rule: its size is what a server may write.
    assert (REFUSED if sql == FORBIDDEN["log-shrinks"] else NO_RIGHT) == state


async def test_personal_data_can_be_erased_and_the_leaf_stays(owner, filled):
    """Erasing a person from the log must not break anybody's proof."""
    (before,) = await filled.recent_events(ISSUER_ID, limit=1)

    await owner.execute("UPDATE registrary.event SET body = NULL, salt = NULL, client_id = NULL")

    (after,) = await filled.recent_events(ISSUER_ID, limit=1)
    assert (None, None, None) == (after.body, after.salt, after.client_id)
    assert (before.event_id, before.index, before.leaf_hash) == (
        after.event_id,
        after.index,
        after.leaf_hash,
    )


async def test_rules_hold_in_partitions_made_later(filled, owner):
    """A month that nobody thought of is as final as any other."""
    await filled.prepare_partitions(ahead=6)

    assert [] == await filled.strays_of_log()
    partitions = await owner.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent = 'registrary.event'::regclass"
    )
    assert 8 == len(partitions)
    for partition in partitions:
        with pytest.raises(exceptions.PostgresError, match="never removed"):
            await owner.execute(f"TRUNCATE {partition['name']}")  # a name that was read


REFUSING_NOTHING = """
    CREATE OR REPLACE FUNCTION registrary.refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RETURN NULL; END $$
"""
WITHOUT_PLACE = """
    SET session_replication_role = replica; DELETE FROM registrary.event_place;
    SET session_replication_role = origin
"""
WITHOUT_EVENT = """
    SET session_replication_role = replica; DELETE FROM registrary.event;
    SET session_replication_role = origin
"""
WAITING = """
    INSERT INTO registrary.waiting_event (issuer, event_id, leaf_hash, time)
    VALUES ('nobody', gen_random_uuid(), '\\x00', 0)
"""
DISABLED = "ALTER TABLE registrary.event DISABLE TRIGGER event_stays"
REMOVED = "DROP TRIGGER client_stays ON registrary.client"
NEVER = """
    DROP TRIGGER event_is_only_erased ON registrary.event;
    CREATE TRIGGER event_is_only_erased BEFORE UPDATE ON registrary.event
    FOR EACH ROW WHEN (new.body IS NOT NULL AND false) EXECUTE FUNCTION registrary.refuse('no')
"""
TILE = "INSERT INTO registrary.tile VALUES ('nobody', 0, 0, '\\x00')"
CHECKPOINT = "INSERT INTO registrary.checkpoint VALUES ('nobody', 7, E'x\\n7\\n')"

TAMPERED = {
    "rule": (DISABLED, "event_stays is not"),
    "rule-condition": (NEVER, "event_is_only_erased is not"),
    "rule-removed": (REMOVED, "client_stays is not"),
    "refusal": (REFUSING_NOTHING, "refuse is not"),
    "place": (WITHOUT_PLACE, "0 events have a place up to -1, but its size is 1"),
    "event": (WITHOUT_EVENT, "at place 0 of log 1 stands no event"),
    "tile": (TILE, "tile 0 of level 0 belongs to no log"),
    "checkpoint": (CHECKPOINT, "the checkpoint over 7 events belongs to no log"),
    "waiting": (WAITING, "is not that event"),
}


@pytest.mark.parametrize(("sql", "told"), TAMPERED.values(), ids=TAMPERED.keys())
async def test_what_an_owner_tampered_with_is_told(filled, owner, sql, told):
    """An owner can do everything but go unnoticed."""
    await owner.execute(sql)

    assert any(told in line for line in await filled.strays_of_log())


async def test_a_whole_store_has_no_problems(filled):
    """An alarm that is always on is no alarm."""
    assert [] == await filled.strays_of_log()
    assert [] == await filled.problems() + await filled.damage_of_log()
