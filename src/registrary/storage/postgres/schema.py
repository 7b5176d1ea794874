"""The schema and how it grows: numbered files, each applied once, in order, all or none.

Nodes of two versions work on one database while an upgrade rolls over them. So each step says in
its first line, as in ``-- oldest: 3``, which schema the oldest program was made for that may still
work with what the step leaves behind. A program works with its own schema, and with later ones
that say so.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

import asyncpg

from registrary.storage.postgres.errors import SchemaMismatch
from registrary.storage.postgres.rights import grants_to
from registrary.storage.shared.statements import statements

PARTITIONS_AHEAD: Final = 3  # months of events that have a partition before they begin
_FILE: Final = re.compile(r"(\d{4})_(\w+)\.sql")
_HEADER: Final = re.compile(r"-- oldest: ([1-9][0-9]*)\n")
_SQL: Final = statements(__package__, "schema")
_LEAST_SERVER: Final = 140000
_ENCODING: Final = "UTF8"
_EVERYBODY: Final = "public"


class Migration(NamedTuple):
    """One step of the schema. Programs made for schema *oldest* or a later one can go on."""

    version: int
    name: str
    sql: str
    oldest: int


class Kept(NamedTuple):
    """What a database says about its schema; version zero: there is none yet."""

    version: int
    oldest: int


@cache
def migrations() -> tuple[Migration, ...]:
    """Return the steps this version knows, oldest first."""
    folder = resources.files(__package__) / "migrations"
    found = [
        migration(int(match[1]), match[2], file.read_text("utf-8"))
        for file in folder.iterdir()
        if (match := _FILE.fullmatch(file.name))
    ]
    return tuple(sorted(found))


def migration(version: int, name: str, sql: str) -> Migration:
    """Return the step that *sql* is; ValueError when it does not say whom it leaves working."""
    header = _HEADER.match(sql)
    if header is None or int(header[1]) > version:
        raise ValueError(f"migration {version} must begin with `-- oldest: VERSION`")
    return Migration(version, name, sql, int(header[1]))


def newest_version(known: Sequence[Migration] | None = None) -> int:
    """Return the version of the schema that this program works with."""
    return (known or migrations())[-1].version


async def kept_in(connection: asyncpg.Connection, address: str) -> Kept:
    """Return what schema the database has.

    Raises `SchemaMismatch` when the schema ``registrary`` is another program's.
    """
    if not await connection.fetchval(_SQL["is_ours"]):
        if await connection.fetchval(_SQL["is_taken"]):
            raise SchemaMismatch(f"{address}: its schema `registrary` is another program's")
        return Kept(0, 0)
    row = await connection.fetchrow(_SQL["newest"])
    return Kept(row["version"], row["oldest"]) if row else Kept(0, 0)


def check(kept: Kept, address: str, known: Sequence[Migration] | None = None) -> None:
    """Raise `SchemaMismatch` unless this program can work with what is *kept*."""
    wanted = newest_version(known)
    if kept.version == 0:
        raise SchemaMismatch(f"{address}: there is no store yet; run `registrary migrate`")
    if kept.version < wanted:
        raise SchemaMismatch(
            f"{address}: schema {kept.version} is older than {wanted}; run `registrary migrate`"
        )
    if kept.oldest > wanted:
        raise SchemaMismatch(
            f"{address}: upgraded by a newer version (schema {kept.version}, for programs that "
            f"know {kept.oldest} at least; this one knows {wanted}); run that version"
        )


async def check_server(connection: asyncpg.Connection, address: str) -> None:
    """Raise `SchemaMismatch` when the server or the database is none that we can work with."""
    row = await connection.fetchrow(_SQL["server"])
    if row["version"] < _LEAST_SERVER:
        raise SchemaMismatch(f"{address}: PostgreSQL {row['name']} is too old; 14 is the oldest")
    if row["encoding"] != _ENCODING:
        raise SchemaMismatch(f"{address}: its encoding is {row['encoding']}; it must be UTF8")


async def migrate(
    connection: asyncpg.Connection,
    address: str,
    *,
    application_role: str | None = None,
    known: Sequence[Migration] | None = None,
) -> list[int]:
    """Bring the database up to date and return the versions that were applied.

    Either all of them are applied or none. Processes that start together take turns. With
    *application_role* that role gets the rights a server needs and no others; roles that got
    them before get those to what is new. Raises `SchemaMismatch` as `check` does.
    """
    known = known or migrations()
    await check_server(connection, address)
    async with connection.transaction():
        await connection.execute(_SQL["take_turns"])
        kept = await kept_in(connection, address)
        if kept.version >= newest_version(known):
            check(kept, address, known)
        due = [step for step in known if step.version > kept.version]
        if kept.version == 0:
            await _begin(connection)
        for step in due:
            await connection.execute(step.sql)
            await connection.execute(_SQL["applied"], step.version, step.name, step.oldest)
        if due or application_role is not None:  # else a role without rights may come along
            await _grant(connection, application_role, address=address)
        if due:
            await connection.execute(_SQL["prepare_partitions"], PARTITIONS_AHEAD)
    return [step.version for step in due]


async def _begin(connection: asyncpg.Connection) -> None:
    """Make the table of versions, and the schema where nobody made it for a role without rights."""
    if not await connection.fetchval(_SQL["has_schema"]):
        await connection.execute(_SQL["make_schema"])
    await connection.execute(_SQL["begin"])


async def _grant(
    connection: asyncpg.Connection, application_role: str | None, *, address: str
) -> None:
    if application_role == _EVERYBODY:
        raise SchemaMismatch(f"{address}: {_EVERYBODY} is everybody; name the role of a server")
    if application_role == await connection.fetchval(_SQL["owner"]):
        # Of its own rights it would be left those of a server: too few for the next migration.
        raise SchemaMismatch(f"{address}: {application_role} owns the tables and needs no rights")
    roles = {row["name"] for row in await connection.fetch(_SQL["application_roles"])}
    if application_role is not None:
        roles.add(await connection.fetchval(_SQL["quoted"], application_role))
    for role in sorted(roles):
        for statement in grants_to(role):
            await connection.execute(statement)
