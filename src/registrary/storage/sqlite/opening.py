"""Opening the file: settings of SQLite that must be so, and migrations."""

from importlib.resources import files
from pathlib import Path
from typing import Final

import apsw

from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite.store import SqliteStore

BUSY_MILLISECONDS: Final = 10_000  # how long another process may hold the file
_PAGE_BYTES: Final = 8192
_FIXED_IN: Final = (3, 51, 3)  # before: a corruption bug when two connections write in WAL


def open_sqlite(path: Path) -> SqliteStore:
    """Open the store at *path*, made or brought up to date as needed.

    Raises `StoreUnavailable`: no such folder, not a database, newer than this program.
    """
    if tuple(int(part) for part in apsw.sqlite_lib_version().split(".")) < _FIXED_IN:
        raise StoreUnavailable(f"SQLite {apsw.sqlite_lib_version()} is too old")
    try:
        writing = connect(path)
        writing.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        writing.execute("PRAGMA journal_mode = WAL").fetchall()
        migrate(writing)
        reading = connect(path)
    except apsw.Error as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    reading.execute("PRAGMA wal_autocheckpoint = 0")
    reading.execute("PRAGMA query_only = 1")
    return SqliteStore(writing, reading)


def connect(path: Path) -> apsw.Connection:
    """Return a connection with the settings every connection must have."""
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute("PRAGMA trusted_schema = 0")
    return connection


def migrate(connection: apsw.Connection) -> None:
    """Apply the migrations that are missing, each in a transaction of its own."""
    for number, text in migrations():
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _version(connection) < number:
                connection.execute(text)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    if _version(connection) > len(migrations()):
        raise StoreUnavailable("the store was written by a newer version of registrary")


def migrations() -> list[tuple[int, str]]:
    """Return number and text of every migration, in order."""
    folder = files("registrary.storage.sqlite") / "migrations"
    named = sorted((entry.name, entry) for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), entry.read_text(encoding="utf-8")) for name, entry in named]


def _version(connection: apsw.Connection) -> int:
    row = connection.execute("PRAGMA user_version").fetchall()[0]
    return int(str(row[0]))
