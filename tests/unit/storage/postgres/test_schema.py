"""A database is brought up to date or refused, never half of either."""

import asyncio

import asyncpg
import pytest
from asyncpg import exceptions

from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.ports.store import StoreUnavailable
from registrary.storage.postgres import PostgresStore, migrate_postgres, open_postgres, schema
from registrary.storage.postgres.errors import SchemaMismatch
from registrary.storage.postgres.rights import RIGHTS
from registrary.storage.postgres.schema import migration
from registrary.storage.postgres.tables import TABLES
from registrary.storage.shared.kinds import encode
from registrary.testing.factories import ISSUER_ID, a_client, an_event

pytestmark = pytest.mark.anyio

NEWEST = schema.newest_version()
NEXT = NEWEST + 1
COMPATIBLE = migration(
    NEXT,
    "wider",
    f"-- oldest: {NEWEST}\n"
    "ALTER TABLE registrary.client ADD COLUMN wider text DEFAULT 'x';"
    "CREATE TABLE registrary.extra (a text);",
)
BREAKING = migration(
    NEXT,
    "another",
    f"-- oldest: {NEXT}\nALTER TABLE registrary.client RENAME COLUMN record TO document;",
)
BAD = migration(
    NEXT + 1,
    "bad",
    f"-- oldest: {NEWEST}\nCREATE TABLE registrary.other (a text); DROP TABLE registrary.nowhere;",
)


async def apply(url: str, *steps: schema.Migration) -> list[int]:
    """Migrate the database at *url* as a program would that knows *steps* besides ours."""
    connection = await asyncpg.connect(url)
    try:
        return await schema.migrate(connection, url, known=[*schema.migrations(), *steps])
    finally:
        await connection.close()


async def names_of(url: str, sql: str) -> set[str]:
    """Return the first column of what *sql* selects at *url*."""
    connection = await asyncpg.connect(url)
    try:
        return {str(row[0]) for row in await connection.fetch(sql)}
    finally:
        await connection.close()


TABLES_OF = """
    SELECT relname FROM pg_class
    WHERE relnamespace = to_regnamespace('registrary') AND relkind IN ('r', 'p')
    AND NOT relispartition
"""


async def test_a_new_database_has_a_table_for_every_kind(url):
    """A kind of record without a table would be noticed by the first client that needs it."""
    assert {table.kind for table in TABLES} <= await names_of(url, TABLES_OF)


async def test_every_table_has_its_rights(url):
    """A table that the role of a server may not touch would be noticed by a request."""
    assert set(RIGHTS) == await names_of(url, TABLES_OF)


async def test_every_record_carries_its_issuer(url):
    """What belongs to nobody could be read by everybody."""
    columns = await names_of(
        url,
        "SELECT table_name FROM information_schema.columns"
        " WHERE table_schema = 'registrary' AND column_name = 'issuer' AND is_nullable = 'NO'",
    )

    assert {table.kind for table in TABLES} <= columns


async def test_migrations_are_applied_in_order_and_once(url):
    """Starting the same version twice changes nothing."""
    assert [NEXT] == await apply(url, COMPATIBLE)
    assert [] == await apply(url, COMPATIBLE)


async def test_programs_that_start_together_migrate_once(empty_url):
    """Whoever rolls out three nodes at once has one schema in the end."""
    applied = await asyncio.gather(*(migrate_postgres(empty_url) for _ in range(3)))

    assert [[], [], [step.version for step in schema.migrations()]] == sorted(applied)


async def test_a_migration_that_fails_leaves_nothing(url):
    """Half a schema fits no program."""
    before = await names_of(url, TABLES_OF)

    with pytest.raises(exceptions.PostgresError):
        await apply(url, COMPATIBLE, BAD)

    assert before == await names_of(url, TABLES_OF)
    await (await open_postgres(url)).close()


@pytest.mark.parametrize("version", [step.version for step in schema.migrations()])
async def test_data_of_every_earlier_version_comes_through_an_upgrade(empty_url, version):
    """Nobody starts over because the server got newer."""
    connection = await asyncpg.connect(empty_url)
    earlier = [step for step in schema.migrations() if step.version <= version]
    await schema.migrate(connection, empty_url, known=earlier)
    client = a_client(client_id="c")
    await connection.execute(
        "INSERT INTO registrary.client (issuer, key, revision, record) VALUES ($1, $2, $3, $4)",
        *(client.issuer, client.key, client.revision, encode(client).decode()),
    )
    await connection.close()

    await apply(empty_url, COMPATIBLE)
    store = await open_postgres(empty_url)

    assert client == await store.get(Client, ISSUER_ID, "c")
    await store.close()


async def test_a_program_goes_on_beside_one_that_is_a_version_ahead(url, server_url):
    """An upgrade rolls over the nodes, and the old ones serve until their turn comes."""
    running = await open_postgres(server_url)
    await running.commit(Changes(puts=(Put(a_client(client_id="before")),)))

    await apply(url, COMPATIBLE)
    await running.commit(
        Changes(puts=(Put(a_client(client_id="after")), Put(a_client(client_id="c"))))
    )
    later = a_client(client_id="c", revision=2)
    await running.commit(Changes(puts=(Put(later, expected=1),), events=(an_event(),)))
    started_late = await open_postgres(server_url)

    assert later == await started_late.get(Client, ISSUER_ID, "c")
    assert await running.get(Client, ISSUER_ID, "before") is not None
    await running.close()
    await started_late.close()


async def test_a_newer_schema_that_says_so_is_refused(url):
    """A program that does not know what a column means must not write it."""
    await apply(url, BREAKING)

    with pytest.raises(SchemaMismatch, match=f"newer version.*schema {NEXT}.*run that version"):
        await open_postgres(url)
    with pytest.raises(SchemaMismatch, match="newer version"):
        await migrate_postgres(url)


async def test_an_older_schema_is_refused_with_what_to_do(url):
    """An operator reads one line and knows the command."""
    kept = schema.Kept(NEWEST, NEWEST)

    with pytest.raises(SchemaMismatch, match=r"older than .*run `registrary migrate`"):
        schema.check(kept, url, [*schema.migrations(), COMPATIBLE])


async def test_a_database_without_a_store_is_refused(empty_url):
    """A server that made its tables in whatever database it is shown might be shown a wrong one."""
    with pytest.raises(SchemaMismatch, match=r"no store yet.*registrary migrate"):
        await open_postgres(empty_url)


async def test_opening_makes_the_schema_where_that_is_wanted(empty_url):
    """The first start of a small installation is one command."""
    store = await open_postgres(empty_url, migrate=True)

    assert isinstance(store, PostgresStore)
    assert () == tuple(await store.issuers())
    await store.close()


async def test_a_schema_of_another_program_is_left_alone(cluster, empty_url):
    """Tables with our names and other contents are nobody's mistake to overwrite."""
    name = empty_url.rpartition("/")[2]
    cluster.sql("create schema registrary; create table registrary.theirs (a int)", database=name)

    with pytest.raises(SchemaMismatch, match="another program"):
        await migrate_postgres(empty_url)
    with pytest.raises(SchemaMismatch, match="another program"):
        await open_postgres(empty_url)


async def test_an_owner_needs_no_right_but_its_schema(cluster, empty_url):
    """Where databases are handed out, nobody hands out the right to make schemas."""
    name = empty_url.rpartition("/")[2]
    owner = f"owner_of_{name}"
    cluster.sql(
        f"create role {owner} login; create schema registrary authorization {owner}", database=name
    )

    assert [NEWEST] == await migrate_postgres(cluster.url(name, user=owner))


async def test_a_database_in_another_encoding_is_refused(cluster, empty_url):
    """A name in Greek must come back as it was written."""
    name = empty_url.rpartition("/")[2] + "_ascii"
    cluster.sql(
        f"create database {name} template template0 encoding 'SQL_ASCII' locale 'C'"
        " locale_provider libc"
    )

    with pytest.raises(SchemaMismatch, match="encoding is SQL_ASCII"):
        await migrate_postgres(cluster.url(name))


async def test_who_may_not_migrate_is_told_so(server_url):
    """The role of a server cannot change the schema, by mistake or by intrusion."""
    connection = await asyncpg.connect(server_url)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await schema.migrate(connection, server_url, known=[*schema.migrations(), COMPATIBLE])
    await connection.close()


async def test_a_role_that_has_its_rights_gets_those_to_new_tables(url, cluster):
    """Whoever upgrades need not remember what the server's role is called."""
    name = url.rpartition("/")[2]
    cluster.sql("revoke all on registrary.tile from registrary_server", database=name)

    await apply(url, COMPATIBLE)

    assert "t" == cluster.sql(
        "select has_table_privilege('registrary_server', 'registrary.tile', 'INSERT')",
        database=name,
    )


@pytest.mark.parametrize("role", ["public", "owner"])
async def test_rights_of_a_server_are_for_a_server(url, cluster, role):
    """Everybody has none, and an owner who is left those of a server could migrate no more."""
    name = url.rpartition("/")[2]
    owner = cluster.sql(
        "select tableowner from pg_tables where tablename = 'client'", database=name
    )

    with pytest.raises(SchemaMismatch, match=r"everybody|owns the tables"):
        await migrate_postgres(url, application_role=owner if role == "owner" else role)


async def test_a_server_that_would_migrate_need_not_where_nothing_is_due(server_url):
    """One command line does for all nodes, whoever of them has the rights of an owner."""
    store = await open_postgres(server_url, migrate=True)

    assert () == tuple(await store.issuers())
    await store.close()


@pytest.mark.parametrize("header", ["", "-- newest: 1\n", "-- oldest: 9\n"])
def test_a_migration_says_whom_it_leaves_working(header):
    """A step that nobody thought about would stop every node that is not upgraded yet."""
    with pytest.raises(ValueError, match="oldest"):
        migration(2, "silent", header + "SELECT 1")


async def test_a_password_is_never_said_again(cluster):
    """Errors end in logs and tickets."""
    url = cluster.url("nowhere", user="registrary:s3cr3t")

    with pytest.raises(StoreUnavailable, match="no database of this name") as caught:
        await open_postgres(url)

    assert "s3cr3t" not in str(caught.value)
