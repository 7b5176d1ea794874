"""The state of a database, for ``doctor``: asked on a connection of its own, changing nothing."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
from asyncpg import exceptions

from registrary.storage.postgres import schema
from registrary.storage.postgres.address import Address
from registrary.storage.postgres.errors import SchemaMismatch, outage
from registrary.storage.postgres.line import connect
from registrary.storage.postgres.options import PostgresOptions
from registrary.storage.shared.statements import statements

_SQL: Final = statements(__package__, "examination")
_FINAL: Final = tuple(
    (table, right)
    for table in ("event", "event_place", "checkpoint")
    for right in ("UPDATE", "DELETE", "TRUNCATE")
)
"""Rights that nobody needs who only appends to the log."""

_DURABILITY: Final = (
    "fsync",
    "full_page_writes",
    "synchronous_commit",
    "synchronous_standby_names",
)
"""Settings of the server that decide whether what it acknowledged is there after a crash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """What a database says of itself.

    *skew* is how far its clock is ahead of ours. *excess* are rights to change what is final.
    *partitions_ahead* counts the months to come that have one. The last four members are None
    where *schema* is not one that this program works with, which *schema_problem* tells.
    """

    address: str
    version: str
    role: str
    is_superuser: bool
    is_standby: bool
    durability: dict[str, str]
    connections_used: int
    connections_limit: int
    database_bytes: int
    skew: timedelta
    schema: int
    newest_schema: int
    schema_problem: str | None
    owns_tables: bool | None = None
    excess: tuple[str, ...] | None = None
    partitions_ahead: int | None = None
    has_misplaced_events: bool | None = None


async def examine(url: str, options: PostgresOptions) -> DatabaseFacts:
    """Return the state of the database at *url*. Raises `StoreUnavailable`."""
    address = Address(url)
    try:
        async with asyncio.timeout(options.connect_seconds + options.read_seconds):
            line = await connect(address, options)
            try:
                # A transaction stays with one server, whatever a pooler does.
                async with line.connection.transaction(readonly=True):
                    return await _facts(line.connection, str(address))
            finally:
                line.hang_up()
    except (OSError, exceptions.PostgresError, exceptions.InterfaceError) as error:
        raise outage(error, str(address)) or error from error


async def _facts(connection: asyncpg.Connection, address: str) -> DatabaseFacts:
    before = datetime.now(UTC)
    row = dict(await connection.fetchrow(_SQL["server"]))
    between = before + (datetime.now(UTC) - before) / 2
    kept = await schema.kept_in(connection, address)
    problem = _problem_of(kept, address)
    return DatabaseFacts(
        address=address,
        skew=row.pop("clock") - between,
        durability={name: row.pop(name) for name in _DURABILITY},
        schema=kept.version,
        newest_schema=schema.newest_version(),
        schema_problem=problem,
        **row,
        **({} if problem else await _of_our_tables(connection)),
    )


def _problem_of(kept: schema.Kept, address: str) -> str | None:
    try:
        schema.check(kept, address)
    except SchemaMismatch as error:
        return str(error)
    return None


# Any: members of `DatabaseFacts`, by their names.
async def _of_our_tables(connection: asyncpg.Connection) -> dict[str, Any]:
    tables, rights = zip(*_FINAL, strict=True)
    excess = await connection.fetch(_SQL["rights"], tables, rights)
    return {
        "owns_tables": await connection.fetchval(_SQL["owns"]),
        "excess": tuple(f"{row['privilege']} {row['name']}" for row in excess),
        "partitions_ahead": await connection.fetchval(_SQL["partitions_ahead"]),
        "has_misplaced_events": await connection.fetchval(_SQL["has_misplaced"]),
    }
