"""A store in an SQLite file as rows, to be carried elsewhere or filled."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import apsw

from registrary.ports.store import StoreUnavailable
from registrary.ports.transfer import (
    COUNTERS,
    EVENTS,
    MARK,
    Row,
    Snapshot,
)
from registrary.storage.shared.sections import by_section
from registrary.storage.shared.statements import statements
from registrary.storage.sqlite import schema
from registrary.storage.sqlite.connection import connect_reader, connect_writer
from registrary.storage.sqlite.errors import OUTAGES, unavailable
from registrary.storage.sqlite.replacement import hold_still

PAGE_ROWS: Final = 1000
_SQL: Final = statements(__package__, "transfer")
_READ: Final = by_section("read", _SQL)
_ADD: Final = by_section("add", _SQL)


class SqliteSnapshot:
    """A file as one transaction sees it."""

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self._path = path
        self._connection = connection

    async def count(self, section: str) -> int:
        """Return how many rows the section has."""
        sql = _SQL["count_counters"] if section == COUNTERS else _SQL["count"]
        with _outages_told(self._path):
            counted: Any = self._connection.execute(
                sql.replace("{section}", section)
            ).get  # a number
        return int(counted)

    async def rows(self, section: str) -> AsyncIterator[Sequence[Row]]:
        """Yield all rows of the section in order, some at a time."""
        with _outages_told(self._path):
            cursor = self._connection.execute(_READ[section])
        while True:
            with _outages_told(self._path):
                page = list(islice(cursor, PAGE_ROWS))
            if page:
                yield page
            if len(page) < PAGE_ROWS:
                return


class SqliteArchive:
    """The `Archive` in one SQLite file, whose tables are there already."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: apsw.Connection | None = None

    @property
    def name(self) -> str:
        """Return which file it is."""
        return str(self._path)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Return the store as it is now; others may go on writing."""
        with _outages_told(self._path):
            connection = connect_reader(self._path)
        with closing(connection):
            with _outages_told(self._path):
                connection.execute("BEGIN")
                schema.check_version(connection)  # the first read is what begins the snapshot
            yield SqliteSnapshot(self._path, connection)

    @asynccontextmanager
    async def at_rest(self) -> AsyncIterator[Snapshot]:
        """Return the store as it is, and let nobody write; raises `InUse` when somebody does."""
        with hold_still(self._path) as connection:
            with _outages_told(self._path):
                schema.check_version(connection)
            yield SqliteSnapshot(self._path, connection)

    async def insert(self, section: str, rows: Sequence[Row]) -> None:
        """Make durable which of *rows* are not there yet."""
        with _outages_told(self._path):
            self._write(partial(_insert, section=section, rows=rows))

    async def mark(self) -> int | None:
        """Return the mark of an unfinished import, None when there is none."""
        with _outages_told(self._path), closing(connect_reader(self._path)) as connection:
            mark: Any = connection.execute(_SQL["mark"], MARK).get  # Any: a number, or None
        return None if mark is None else int(mark)

    async def set_mark(self, mark: int | None) -> None:
        """Begin an import that *mark* tells from others, or with None end it."""
        sql, bindings = (
            (_SQL["lift_mark"], MARK) if mark is None else (_SQL["set_mark"], (*MARK, mark))
        )
        with _outages_told(self._path):
            self._write(lambda connection: connection.execute(sql, bindings).fetchall())

    async def close(self) -> None:
        """Let go of the file."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(*OUTAGES):
                writer.close()

    def _connected(self) -> apsw.Connection:
        if self._writer is None:
            self._writer = connect_writer(self._path)
        return self._writer

    def _write(self, act: Callable[[apsw.Connection], object]) -> None:
        writer = self._connected()
        writer.execute("BEGIN IMMEDIATE")
        try:
            act(writer)
            writer.execute("COMMIT")
        except BaseException:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise


def _insert(connection: apsw.Connection, *, section: str, rows: Sequence[Row]) -> None:
    placed = list(_placed(connection, rows)) if section == EVENTS else rows
    try:
        connection.executemany(_ADD[section], placed)
    except (apsw.ConstraintError, OverflowError) as error:
        raise StoreUnavailable(f"a row of {section} is not what its table takes") from error


def _placed(connection: apsw.Connection, rows: Sequence[Row]) -> Iterator[Row]:
    """Yield *rows* of events with their places in this file, where logs have numbers."""
    first_of: dict[Any, Any] = {}  # Any: texts to numbers
    for issuer, place, *others in rows:
        if issuer not in first_of:
            first_of[issuer] = connection.execute(_SQL["number_of_log"], (issuer,)).get
        if first_of[issuer] is None:
            raise StoreUnavailable("an event belongs to no log")
        yield (issuer, first_of[issuer] + place, *others)


@contextmanager
def _outages_told(path: Path) -> Iterator[None]:
    try:
        yield
    except OUTAGES as error:
        raise unavailable(error, path) from error
    except UnicodeDecodeError as error:
        raise unavailable(apsw.CorruptError(), path) from error
