"""Connections to the file: one that writes, one that reads, both without surprises."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import apsw

from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite.errors import OUTAGES, unavailable

PAGE_BYTES: Final = 8192  # fits two clients; with time-ordered keys a third cheaper than 4 KiB
CHECKPOINT_PAGES: Final = 1000  # of the write-ahead log before it is copied back: 8 MiB
WRITER_CACHE_KIB: Final = 8192
READER_CACHE_KIB: Final = 16384
WRITER_BUSY_MILLISECONDS: Final = 5000
READER_BUSY_MILLISECONDS: Final = 1000  # on the event loop; only recovery after a crash locks so

# One thread uses a connection at a time: SQLite's own locks around each call are left out.
_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOMUTEX


def create_file(path: Path) -> None:
    """Make an empty file that only its owner may read, unless there is one."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreUnavailable(f"{path}: it cannot be created ({error.strerror})") from error


def connect_writer(path: Path, *, vfs: str | None = None) -> apsw.Connection:
    """Open the connection that writes, that checkpoints, and that waits for other processes."""
    connection = apsw.Connection(str(path), flags=_FLAGS, vfs=vfs, statementcachesize=200)
    connection.set_busy_timeout(WRITER_BUSY_MILLISECONDS)
    _pragma(
        connection,
        f"page_size = {PAGE_BYTES}",  # of a file that is still empty
        "synchronous = FULL",
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        f"cache_size = -{WRITER_CACHE_KIB}",
        "temp_store = MEMORY",
        "mmap_size = 0",
        "trusted_schema = OFF",
        "recursive_triggers = ON",  # else REPLACE removes rows unseen by those that forbid it
    )
    return connection


def connect_reader(path: Path, *, vfs: str | None = None) -> apsw.Connection:
    """Open a connection that reads and never writes, not even a checkpoint."""
    connection = apsw.Connection(str(path), flags=_FLAGS, vfs=vfs, statementcachesize=200)
    connection.set_busy_timeout(READER_BUSY_MILLISECONDS)
    _pragma(
        connection,
        "query_only = ON",
        "wal_autocheckpoint = 0",
        f"cache_size = -{READER_CACHE_KIB}",
        "temp_store = MEMORY",
        "mmap_size = 0",
        "trusted_schema = OFF",
    )
    return connection


class Reader:
    """Reads on the event loop's thread, a whole statement at a time.

    No statement stays open between two calls, so each sees everything committed before it,
    by any process. After an outage the next read opens the file again.
    """

    def __init__(self, path: Path, *, vfs: str | None = None) -> None:
        self._path = path
        self._vfs = vfs
        self._connection: apsw.Connection | None = None
        self._closed = False

    def rows(self, sql: str, bindings: tuple[object, ...] = ()) -> Sequence[tuple[Any, ...]]:
        """Return all rows of a statement. Any: the caller knows what it selected."""
        if self._closed:
            raise StoreUnavailable(f"{self._path}: the store is closed")
        try:
            if self._connection is None:
                self._connection = connect_reader(self._path, vfs=self._vfs)
            return self._connection.execute(sql, bindings).fetchall()
        except OUTAGES as error:
            self._disconnect()
            raise unavailable(error, self._path) from error
        except UnicodeDecodeError as error:
            raise unavailable(apsw.CorruptError(), self._path) from error

    def close(self) -> None:
        """Let go of the file; every later read is refused."""
        self._closed = True
        self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # The last to close tries a checkpoint. What the disk refuses now stays in the
            # write-ahead log, where it is safe, and whoever opens the file next goes on.
            with suppress(*OUTAGES):
                connection.close(force=True)


def _pragma(connection: apsw.Connection, *settings: str) -> None:
    for setting in settings:
        connection.execute(f"PRAGMA {setting}").fetchall()
