"""Putting another file in the place of a store, as a restored backup."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import apsw

from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite.connection import connect_writer
from registrary.storage.sqlite.errors import OUTAGES, unavailable

COMPANIONS: Final = ("-wal", "-shm", "-journal")
"""Files that SQLite keeps beside a database and reads back into it, whoever they belong to."""

_DAMAGED: Final = (apsw.CorruptError, apsw.NotADBError)
_PATIENCE_MILLISECONDS: Final = 1000  # a command that is just finishing is waited for


class InUse(StoreUnavailable):
    """Another process works with the store."""


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Keep everybody else from the store in *path*, which must exist.

    Whatever its write-ahead log held is in the file itself from then on. A file that is
    damaged cannot be locked, and need not be. Raises `InUse`.
    """
    connection = _locked(path)
    try:
        yield
    finally:
        if connection is not None:
            connection.close(force=True)


@contextmanager
def hold_still(path: Path) -> Iterator[apsw.Connection]:
    """Let nobody else write to the store in *path*, and yield a connection to read it by.

    Who only reads is let in; who has it open now is not waited for. Raises `InUse`.
    """
    try:
        with closing(connect_writer(path)) as connection:
            _leave_wal(connection, path)
            connection.execute("BEGIN IMMEDIATE")
            if connection.pragma("journal_mode") == "wal":  # a server started in between
                raise InUse(f"{path}: another process works with it; stop the server first")
            yield connection
            connection.execute("ROLLBACK")
    except OUTAGES as error:
        raise unavailable(error, path) from error


def become_one_file(path: Path) -> None:
    """Bring everything the store in *path* holds into the file itself. Raises `InUse`."""
    with closing(connect_writer(path)) as connection:
        _leave_wal(connection, path)


def _locked(path: Path) -> apsw.Connection | None:
    try:
        connection = connect_writer(path)
        _leave_wal(connection, path)
        connection.execute("BEGIN EXCLUSIVE")
    except _DAMAGED:
        return None
    except OUTAGES as error:
        raise unavailable(error, path) from error
    return connection


def _leave_wal(connection: apsw.Connection, path: Path) -> None:
    """Switch the write-ahead log off, which SQLite only does for whoever is alone."""
    connection.set_busy_timeout(_PATIENCE_MILLISECONDS)
    try:
        mode = connection.pragma("journal_mode", "delete")
    except (apsw.BusyError, apsw.LockedError) as error:
        raise InUse(f"{path}: another process works with it; stop the server first") from error
    if mode != "delete":
        raise InUse(f"{path}: another process works with it; stop the server first")
