"""The schema and how it grows: numbered files, each applied once, in order, all or none."""

import re
import time
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any, Final, NamedTuple

import apsw

from registrary.storage.sqlite.connection import WRITER_BUSY_MILLISECONDS
from registrary.storage.sqlite.errors import SchemaMismatch

APPLICATION_ID: Final = 0x52475259  # "RGRY", in the header of the file: `file` and we know it by
_FILE: Final = re.compile(r"(\d{4})_(\w+)\.sql")
_RETRY_SECONDS: Final = 0.02


class Migration(NamedTuple):
    """One step of the schema."""

    version: int
    name: str
    sql: str


@cache
def migrations() -> tuple[Migration, ...]:
    """Return the steps this version knows, oldest first."""
    folder = resources.files(__package__) / "migrations"
    found = [
        Migration(int(match[1]), match[2], file.read_text("utf-8"))
        for file in folder.iterdir()
        if (match := _FILE.fullmatch(file.name))
    ]
    return tuple(sorted(found))


def newest_version(known: Sequence[Migration] | None = None) -> int:
    """Return the version of the schema that this program works with."""
    return (known or migrations())[-1].version


def version_of(connection: apsw.Connection) -> int:
    """Return the version of the schema in the file; zero when it is empty.

    Raises `SchemaMismatch` when the file belongs to another program.
    """
    is_ours = connection.pragma("application_id") == APPLICATION_ID
    if not is_ours:
        if connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall():
            raise SchemaMismatch(f"{connection.filename}: this file is another program's")
        return 0
    newest: Any = connection.execute("SELECT max(version) FROM schema_version").get  # Any: SQL
    return int(newest)


def check_version(connection: apsw.Connection) -> None:
    """Raise `SchemaMismatch` unless the file has exactly the schema this program works with."""
    version, wanted = version_of(connection), newest_version()
    if version > wanted:
        raise SchemaMismatch(
            f"{connection.filename}: written by a newer version (schema {version}, this program "
            f"knows {wanted}); run that version, or restore a backup made before the upgrade"
        )
    if version < wanted:
        raise SchemaMismatch(
            f"{connection.filename}: schema {version} is older than {wanted}; "
            "run `registrary migrate`"
        )


def migrate(connection: apsw.Connection, known: Sequence[Migration] | None = None) -> list[int]:
    """Bring the file up to date and return the versions that were applied.

    Either all of them are applied or none. Processes that start together take turns. Raises
    `SchemaMismatch` when the file was written by a newer version.
    """
    known = known or migrations()
    _while_busy(lambda: connection.pragma("journal_mode", "wal"))
    with_lock = "BEGIN IMMEDIATE"
    connection.execute(with_lock)
    try:
        due = _due(connection, known)
        for migration in due:
            _apply(connection, migration)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return [migration.version for migration in due]


def _due(connection: apsw.Connection, known: Sequence[Migration]) -> list[Migration]:
    version = version_of(connection)
    if version > newest_version(known):
        check_version(connection)
    if version == 0:
        connection.pragma("application_id", APPLICATION_ID)
        connection.execute(
            "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
            " applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ'))) STRICT"
        )
    return [migration for migration in known if migration.version > version]


def _apply(connection: apsw.Connection, migration: Migration) -> None:
    connection.execute(migration.sql).fetchall()
    connection.execute(
        "INSERT INTO schema_version (version, name) VALUES (?, ?)",
        (migration.version, migration.name),
    )


def _while_busy(act: Callable[[], object]) -> None:
    """Repeat *act* while another process is at it; SQLite does not wait in all such places."""
    end = time.monotonic() + WRITER_BUSY_MILLISECONDS / 1000
    while True:
        try:
            act()
        except apsw.BusyError:
            if time.monotonic() > end:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return
