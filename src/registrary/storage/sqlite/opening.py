"""Opening the file: made when absent, brought up to date, refused when it is not for us."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite import schema
from registrary.storage.sqlite.connection import connect_writer, create_file
from registrary.storage.sqlite.errors import OUTAGES, unavailable
from registrary.storage.sqlite.store import SqliteStore

_FIXED_IN: Final = (3, 51, 3)  # before, two connections that write in WAL mode can damage a file


def open_sqlite(path: Path, *, migrate: bool = True, vfs: str | None = None) -> SqliteStore:
    """Open the store in the file *path*, which is made when absent.

    With *migrate* its schema is brought up to date first; without, a file that is absent or
    has another schema is refused. *vfs* names the layer by which SQLite reaches the disk, for
    tests that put one of their own in between. Raises `StoreUnavailable`, as `SchemaMismatch`
    when the file belongs to a newer version or to another program.
    """
    if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < _FIXED_IN:
        raise StoreUnavailable(f"SQLite {apsw.sqlite_lib_version()} is too old: it loses data")
    if migrate:
        create_file(path)
    try:
        with _connected(path, vfs) as connection:
            if migrate:
                schema.migrate(connection)
            schema.check_version(connection)
    except OUTAGES as error:
        raise unavailable(error, path) from error
    return SqliteStore(path, vfs=vfs)


@contextmanager
def _connected(path: Path, vfs: str | None) -> Iterator[apsw.Connection]:
    """Open a connection for a moment.

    Closing it copies the log beside the file back; on a full disk that fails, the log stays, and
    nothing is lost: a server that was stopped by its disk can start again and be read from.
    """
    connection = connect_writer(path, vfs=vfs)
    try:
        yield connection
    finally:
        with suppress(*OUTAGES):
            connection.close()


def connect(path: Path) -> apsw.Connection:
    """Return a connection set up as the writer's, for benches and repairs by hand."""
    return connect_writer(path)
