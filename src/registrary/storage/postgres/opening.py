"""Opening the database: brought up to date where that is wanted, refused when it is not for us."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import asyncpg

from registrary.storage.postgres import schema
from registrary.storage.postgres.address import Address
from registrary.storage.postgres.connecting import Database
from registrary.storage.postgres.errors import outages_told
from registrary.storage.postgres.options import PostgresOptions
from registrary.storage.postgres.store import PostgresStore

_MIGRATION_SECONDS: Final = 3600.0


async def open_postgres(
    url: str, *, options: PostgresOptions | None = None, migrate: bool = False
) -> PostgresStore:
    """Open the store in the database at *url*.

    With *migrate* its schema is made or brought up to date first, for which the role must own
    it; without, a database with no schema or an older one is refused. Raises
    `StoreUnavailable`, as `SchemaMismatch` when trying later does not help.
    """
    options = options or PostgresOptions()
    if migrate:
        await migrate_postgres(url, options=options)
    database = Database(Address(url), options)
    seconds = options.connect_seconds + options.read_seconds
    try:
        async with _told(database, seconds=seconds) as connection:
            await schema.check_server(connection, str(database.address))
            schema.check(
                await schema.kept_in(connection, str(database.address)), str(database.address)
            )
    except BaseException:
        await database.close()
        raise
    return PostgresStore(database)


async def migrate_postgres(
    url: str, *, options: PostgresOptions | None = None, application_role: str | None = None
) -> list[int]:
    """Bring the database at *url* up to date and return the versions that were applied.

    *application_role* is given the rights that a server needs. Goes the direct way where there
    is one.
    """
    options = options or PostgresOptions()
    address = Address(options.direct or url)
    database = Database(address, replace(options, pooled=options.pooled and not options.direct))
    try:
        async with _told(database, seconds=_MIGRATION_SECONDS) as connection:
            return await schema.migrate(connection, str(address), application_role=application_role)
    finally:
        await database.close()


@asynccontextmanager
async def _told(database: Database, *, seconds: float) -> AsyncIterator[asyncpg.Connection]:
    """Take a connection; what PostgreSQL refuses is told in words for operators."""
    async with database.line(end=database.now() + seconds) as line:
        with outages_told(str(database.address)):
            yield line.connection
