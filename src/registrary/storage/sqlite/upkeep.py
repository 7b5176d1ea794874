"""What operators do with the file: copy it while it is in use, check it, look at it."""

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite import schema
from registrary.storage.sqlite.connection import connect_reader, connect_writer, create_file
from registrary.storage.sqlite.errors import OUTAGES, SchemaMismatch, unavailable

_PAGES_A_STEP: Final = 256  # 2 MiB between two chances for other threads
_PROBLEM_LIMIT: Final = 100  # lines of an integrity check

Progress = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreInfo:
    """The state of a store, for ``doctor``. Sizes are in bytes.

    *wal_bytes* is the write-ahead log beside the file: one that keeps growing means that some
    process reads without end. SQLite before 3.51.3 can damage a file that two processes write
    to; *sqlite_version* tells.
    """

    path: Path
    sqlite_version: str
    schema_version: int
    newest_schema_version: int
    page_size: int
    journal_mode: str
    file_bytes: int
    wal_bytes: int
    free_disk_bytes: int


def info(path: Path) -> StoreInfo:
    """Return the state of the store in *path*."""
    try:
        with closing(connect_reader(path)) as connection:
            version = schema.version_of(connection)
            page_size = connection.pragma("page_size")
            journal_mode = connection.pragma("journal_mode")
    except OUTAGES as error:
        raise unavailable(error, path) from error
    return StoreInfo(
        path=path,
        sqlite_version=apsw.sqlite_lib_version(),
        schema_version=version,
        newest_schema_version=schema.newest_version(),
        page_size=int(page_size),
        journal_mode=str(journal_mode),
        file_bytes=_size(path),
        wal_bytes=_size(path.with_name(path.name + "-wal")),
        free_disk_bytes=shutil.disk_usage(path.parent).free,
    )


def problems(path: Path) -> list[str]:
    """Read the whole file and return what SQLite finds wrong with it; slow for a large one.

    Raises `StoreUnavailable` only when the file cannot be read at all.
    """
    try:
        with closing(connect_reader(path)) as connection:
            found = connection.execute(f"PRAGMA integrity_check({_PROBLEM_LIMIT})").fetchall()
    except (apsw.CorruptError, apsw.NotADBError) as error:
        return [str(unavailable(error, path))]
    except OUTAGES as error:
        raise unavailable(error, path) from error
    return [str(text) for (text,) in found if text != "ok"]


def copy(source: Path, target: Path, *, progress: Progress | None = None) -> None:
    """Copy the store *source*, as it is at one moment, to the new file *target*.

    Others may read and write *source* meanwhile. *target* appears whole and checked, or not at
    all; FileExistsError when there is one. Blocks for as long as the disk needs; *progress* is
    told of pages.
    """
    if target.exists():
        raise FileExistsError(target)
    partial = target.with_name(target.name + ".partial")
    _discard(partial)
    try:
        _copy_pages(source, partial, progress or _untold)
        os.link(partial, target)  # unlike a rename, this never replaces a file made meanwhile
    except OUTAGES as error:
        raise unavailable(error, target) from error
    finally:
        _discard(partial)


def _copy_pages(source: Path, target: Path, progress: Progress) -> None:
    create_file(target)
    with closing(connect_reader(source)) as origin, closing(connect_writer(target)) as copied:
        if schema.version_of(origin) == 0:
            raise SchemaMismatch(f"{source}: there is no store in this file")
        # A snapshot: without it every commit of others would start the copy again.
        origin.execute("BEGIN")
        origin.execute("SELECT 1 FROM schema_version").fetchall()
        with copied.backup("main", origin, "main") as backup:
            while not backup.done:
                backup.step(_PAGES_A_STEP)
                progress(backup.page_count - backup.remaining, backup.page_count)
        # One file is a copy that can be moved about; opening it as a store brings WAL back.
        copied.pragma("journal_mode", "delete")
        damage = copied.execute("PRAGMA quick_check(1)").fetchall()
    if damage != [("ok",)]:
        raise StoreUnavailable(f"{target}: the copy is damaged, as may be its source {source}")


def _untold(done: int, total: int) -> None:
    """Nobody waits to be told."""


def _discard(partial: Path) -> None:
    for ending in ("", "-wal", "-shm", "-journal"):
        partial.with_name(partial.name + ending).unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
