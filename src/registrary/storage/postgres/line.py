"""One connection: how it is made, and what is heard on it besides answers."""

import asyncio
from typing import Final

import asyncpg
from asyncpg import exceptions

from registrary.ports.store import StoreUnavailable
from registrary.storage.postgres.address import Address, Server
from registrary.storage.postgres.options import PostgresOptions

APPLICATION_NAME: Final = "registrary"
_STATEMENTS: Final = 400  # prepared on each connection; about five for a kind, one for a use case
_SETTINGS: Final = {
    "jit": "off",  # of statements that touch a few rows
    "plan_cache_mode": "force_generic_plan",  # planning costs more than such statements do
    # A timeout of the server could end the wait for a synchronous standby, and the commit would
    # be told as done. So deadlines are ours, and what the role is set to does not count.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "30s",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    # The warning is all that tells of a commit that is on no standby.
    "client_min_messages": "warning",
    # Statements name the schema of their tables, and no stranger's operator or function is theirs.
    "search_path": "pg_catalog",
}
_SILENT: Final = "SELECT current_setting('client_min_messages') IN ('error', 'fatal', 'panic')"
_TYPES: Final = "SELECT NULL::bigint[], NULL::bytea[], NULL::integer[], NULL::text[], NULL::uuid[]"


class Line:
    """A connection. *doubt* is the last warning that came on it, for whoever relies on commits."""

    __slots__ = ("busy_since", "connection", "doubt", "idle_since")

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.doubt: str | None = None
        self.busy_since = 0.0
        self.idle_since = 0.0
        connection.add_log_listener(self._listen)

    @property
    def is_usable(self) -> bool:
        """Tell whether a statement can be sent on it that shares nothing with the one before."""
        return not self.connection.is_closed() and not self.connection.is_in_transaction()

    def hang_up(self) -> None:
        """Let go of the connection at once, without a word to a server that may not listen."""
        self.connection.terminate()

    def blame(self, error: AttributeError) -> None:
        """Raise *error* again, unless it comes of a connection that is gone.

        asyncpg has nothing left to go on with when it is hung up between two of its steps, as
        when it has just prepared a statement and would run it.
        """
        if not self.connection.is_closed():
            raise error

    def _listen(self, _: object, message: exceptions.PostgresLogMessage) -> None:
        # severity_en is not translated, and older servers do not send it.
        severity = getattr(message, "severity_en", None) or getattr(message, "severity", None)
        if severity == "WARNING":
            self.doubt = str(message)


async def connect(address: Address, options: PostgresOptions, *, end: float | None = None) -> Line:
    """Return a connection to the first of the servers that takes writes, before *end*.

    Each gets an even share of the time that is left, so that one that swallows everything does
    not keep us from the one that took over. That one is asked first from then on.
    """
    loop = asyncio.get_running_loop()
    last = loop.time() + options.connect_seconds
    end = last if end is None else min(end, last)
    if not address.servers:
        return Line(await _connect(address, options, seconds=end - loop.time()))
    failure: Exception | None = None
    for index, server in enumerate(address.servers):
        share = (end - loop.time()) / (len(address.servers) - index)
        try:
            line = Line(await _connect(address, options, seconds=share, server=server))
        except (OSError, exceptions.PostgresError, exceptions.InterfaceError) as error:
            failure = error
        except exceptions.TargetServerAttributeNotMatched as error:
            failure = failure or error
        else:
            address.prefer(server)
            return line
    raise failure or OSError("no server is named")


async def _connect(
    address: Address, options: PostgresOptions, *, seconds: float, server: Server | None = None
) -> asyncpg.Connection:
    async with asyncio.timeout(seconds):
        connection: asyncpg.Connection = await asyncpg.connect(
            address.url,
            host=server.host if server else None,
            port=server.port if server else None,
            timeout=None,
            statement_cache_size=0 if options.pooled else _STATEMENTS,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            target_session_attrs=None if address.names_attributes else "primary",
            server_settings={"application_name": APPLICATION_NAME}
            | ({} if options.pooled else _SETTINGS),
        )
        if options.pooled:
            await _learn_types(connection)
            await _demand_warnings(connection, str(address))
    return connection


async def _learn_types(connection: asyncpg.Connection) -> None:
    """Let the driver look up the types that statements use.

    It does so by a statement that takes seconds where PostgreSQL compiles it. So it turns that
    off first: in the session, which behind a pooler is one for a transaction only.
    """
    async with connection.transaction():
        await connection.fetch(_TYPES)


async def _demand_warnings(connection: asyncpg.Connection, address: str) -> None:
    """Refuse what sends no warnings; behind a pooler nothing can be set for a session."""
    if await connection.fetchval(_SILENT):
        connection.terminate()
        raise StoreUnavailable(
            f"{address}: client_min_messages hides when a commit is in doubt; set it to warning "
            "for the role and the database"
        )
