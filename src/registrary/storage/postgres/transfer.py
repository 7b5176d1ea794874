"""A store in PostgreSQL as rows, to be carried elsewhere or filled."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from asyncpg import exceptions

from registrary.ports.store import StoreUnavailable
from registrary.ports.transfer import (
    CHECKPOINTS,
    COUNTERS,
    EVENTS,
    LOGS,
    MARK,
    TILES,
    Row,
    Snapshot,
    octets_of,
)
from registrary.storage.postgres import schema
from registrary.storage.postgres.address import Address
from registrary.storage.postgres.errors import outages_told
from registrary.storage.postgres.line import APPLICATION_NAME, connect
from registrary.storage.postgres.options import PostgresOptions
from registrary.storage.postgres.tables import BY_KIND
from registrary.storage.shared.sections import by_section
from registrary.storage.shared.statements import statements
from registrary.storage.shared.times import moment_of

PAGE_ROWS: Final = 1000
_LAST_MILLISECOND: Final = 253_402_300_799_999  # that a calendar has
_LOOKS: Final = 10  # at who else is connected, before that counts as somebody's work
_LOOK_SECONDS: Final = 0.2
_SQL: Final = statements(__package__, "transfer")
_COUNT: Final = {COUNTERS: _SQL["count_counters"], LOGS: _SQL["count_logs"]}
_BEFORE_ALL: Final[dict[str, Row]] = {LOGS: ("",), TILES: ("", -1, -1), CHECKPOINTS: ("", -1)}
_READ: Final = by_section("read", _SQL)
_ADD: Final = by_section("add", _SQL)
# Every commit writes to one of these, and a server's role may lock them.
_HELD: Final = (*BY_KIND, COUNTERS, "waiting_event")


class PostgresSnapshot:
    """A database as one transaction sees it."""

    def __init__(self, connection: asyncpg.Connection, address: Address) -> None:
        self._connection = connection
        self._address = address

    async def count(self, section: str) -> int:
        """Return how many rows the section has."""
        sql = _COUNT.get(section, _SQL["count"]).replace("{section}", section)
        with outages_told(str(self._address)):
            return int(await self._connection.fetchval(sql))

    async def rows(self, section: str) -> AsyncIterator[Sequence[Row]]:
        """Yield all rows of the section in order, some at a time."""
        if section == EVENTS:
            async for page in self._events():
                yield page
            return
        last = _BEFORE_ALL.get(section, ("", ""))
        async for page in self._pages(_READ[section], last):
            yield page

    async def _pages(self, sql: str, last: Row) -> AsyncIterator[list[Row]]:
        """Yield pages of the rows behind *last*."""
        while True:
            with outages_told(str(self._address)):
                found = await self._connection.fetch(sql, *last, PAGE_ROWS)
            page: list[Row] = [tuple(record) for record in found]
            if page:
                yield page
                last = page[-1][: len(last)]
            if len(page) < PAGE_ROWS:
                return

    async def _events(self) -> AsyncIterator[list[Row]]:
        async for logs in self.rows(LOGS):
            for issuer, size in logs:
                async for page in self._pages(_SQL["placed_events"], (issuer, -1)):
                    yield [_event(row, row[1]) for row in page]
                place: Any = size  # Any: a number, as the columns of a log are
                async for page in self._pages(_SQL["waiting_events"], (issuer, -1)):
                    yield [_event(row, place + step) for step, row in enumerate(page)]
                    place += len(page)


class PostgresArchive:
    """The `Archive` in a database, whose tables are there already."""

    def __init__(self, url: str, options: PostgresOptions) -> None:
        self._address = Address(options.direct or url)
        self._options = options
        self._writer: asyncpg.Connection | None = None
        self._prepared: set[datetime] = set()

    @property
    def name(self) -> str:
        """Return which database it is, without the password."""
        return str(self._address)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Return the store as it is now; others may go on writing."""
        async with self._transaction() as connection:
            yield PostgresSnapshot(connection, self._address)

    @asynccontextmanager
    async def at_rest(self) -> AsyncIterator[Snapshot]:
        """Return the store as it is, and let nobody write.

        Raises `StoreUnavailable` when a server is connected, or somebody else writes on and on.
        """
        await self.close()  # which would be taken for somebody else's
        tables = ", ".join(f"registrary.{name}" for name in _HELD)
        async with self._transaction(lock=_SQL["hold_still"].replace("{tables}", tables)) as one:
            await self._demand_alone(one)
            yield PostgresSnapshot(one, self._address)

    async def insert(self, section: str, rows: Sequence[Row]) -> None:
        """Make durable which of *rows* are not there yet."""
        columns: list[Sequence[object]] = list(zip(*rows, strict=True))
        if section == EVENTS:
            columns[2] = [UUID(bytes=octets_of(row[2])) for row in rows]
            await self._prepare_partitions(rows)
        connection = await self._connected()
        try:
            with outages_told(str(self._address)):
                async with connection.transaction():
                    await connection.execute(_ADD[section], *columns)
                    if section == LOGS:
                        await connection.execute(_SQL["grow_log"], *columns)
        except (exceptions.DataError, exceptions.IntegrityConstraintViolationError) as error:
            raise StoreUnavailable(f"a row of {section} is not what its table takes") from error

    async def _prepare_partitions(self, rows: Sequence[Row]) -> None:
        """Make partitions for the months that *rows* are of, as far as there are none yet."""
        moments = {_month_of(octets_of(row[2])) for row in rows} - self._prepared
        connection = await self._connected()
        with outages_told(str(self._address)):
            for moment in sorted(moments):
                await connection.execute(_SQL["prepare_partition"], moment)
        self._prepared |= moments

    async def mark(self) -> int | None:
        """Return the mark of an unfinished import, None when there is none."""
        connection = await self._connected()
        with outages_told(str(self._address)):
            mark = await connection.fetchval(_SQL["mark"], *MARK)
        return None if mark is None else int(mark)

    async def set_mark(self, mark: int | None) -> None:
        """Begin an import that *mark* tells from others, or with None end it."""
        connection = await self._connected()
        with outages_told(str(self._address)):
            await connection.execute(_SQL["set_mark"], *MARK, mark or 0)

    async def close(self) -> None:
        """Let go of the database."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with outages_told(str(self._address)):
                await writer.close()

    @asynccontextmanager
    async def _transaction(self, *, lock: str | None = None) -> AsyncIterator[asyncpg.Connection]:
        connection = await self._connect()
        try:
            with outages_told(str(self._address)):
                await connection.execute(_SQL["begin"])
                await connection.execute(_SQL["keep_open"])
                if lock is not None:
                    # Before anything is read, for that is when the snapshot begins.
                    await connection.execute(_SQL["patience"])
                    await connection.execute(lock)
                name = str(self._address)
                schema.check(await schema.kept_in(connection, name), name)
            yield connection
        finally:
            connection.terminate()

    async def _demand_alone(self, connection: asyncpg.Connection) -> None:
        """Refuse when servers have connections; those that were just closed need a moment."""
        for _ in range(_LOOKS):
            with outages_told(str(self._address)):
                await connection.execute(_SQL["look_again"])
                if not await connection.fetchval(_SQL["others"], APPLICATION_NAME):
                    return
            await asyncio.sleep(_LOOK_SECONDS)
        raise StoreUnavailable(f"{self._address}: a server works with it; stop it first")

    async def _connected(self) -> asyncpg.Connection:
        if self._writer is None:
            self._writer = await self._connect()
        return self._writer

    async def _connect(self) -> asyncpg.Connection:
        with outages_told(str(self._address)):
            return (await connect(self._address, self._options)).connection


def _event(row: Row, place: Any) -> Row:  # noqa: ANN401 - a number
    issuer, _, event_id, *others = row
    return (issuer, place, _bytes_of(event_id), *others)


def _bytes_of(event_id: Any) -> bytes:  # noqa: ANN401 - a UUID, as the driver gives the column
    return bytes(event_id.bytes)


def _month_of(event_id: bytes) -> datetime:
    """Return the beginning of the month in which an id was made."""
    milliseconds = int.from_bytes(event_id[:6], "big")
    moment = moment_of(min(milliseconds, _LAST_MILLISECOND) * 1000)
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
