"""The store in one SQLite file: one writing thread in each process, group commit, WAL."""

from registrary.storage.sqlite.opening import open_sqlite
from registrary.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "open_sqlite"]
