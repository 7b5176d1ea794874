"""A file is brought up to date or refused, never half of either."""

import threading
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite import open_sqlite, schema
from registrary.storage.sqlite.connection import connect_writer
from registrary.storage.sqlite.errors import SchemaMismatch
from registrary.storage.sqlite.schema import Migration
from registrary.storage.sqlite.tables import TABLES

NEXT = schema.newest_version() + 1
GOOD = Migration(
    NEXT,
    "good",
    "CREATE TABLE extra (a TEXT) STRICT",
)
BAD = Migration(
    NEXT + 1, "bad", "CREATE TABLE other (a TEXT) STRICT; INSERT INTO nowhere VALUES (1)"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a store of this version."""
    path = tmp_path / "store.db"
    open_sqlite(path)
    return path


def tables_of(path: Path) -> set[str]:
    """Return the names of the tables in *path*."""
    with closing(connect_writer(path)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return {str(name) for (name,) in rows}


def test_a_new_file_has_a_table_for_every_kind(path):
    """A kind of record without a table would be noticed by the first client that needs it."""
    assert {table.kind for table in TABLES} <= tables_of(path)


def test_every_table_carries_the_issuer(path):
    """What belongs to nobody could be read by everybody."""
    with closing(connect_writer(path)) as connection:
        columns = {
            table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for table in tables_of(path) - {"schema_version"}
        }

    assert [] == [table for table, names in columns.items() if "issuer" not in names]


def test_a_new_file_is_its_owners_alone(path):
    """Digests and sealed secrets are nobody else's to read, whatever the umask."""
    assert 0o600 == path.stat().st_mode & 0o777


def test_a_new_file_is_durable_and_made_for_our_rows(path):
    """The settings that the promises of the store rest on."""
    with closing(connect_writer(path)) as connection:
        settings = [
            connection.pragma(name)
            for name in ("journal_mode", "synchronous", "page_size", "mmap_size")
        ]

    assert ["wal", 2, 8192, 0] == settings


def test_migrations_are_applied_in_order_and_once(path):
    """Starting the same version twice changes nothing."""
    with closing(connect_writer(path)) as connection:
        assert [NEXT] == schema.migrate(connection, [*schema.migrations(), GOOD])
        assert [] == schema.migrate(connection, [*schema.migrations(), GOOD])

        assert NEXT == schema.version_of(connection)
    assert "extra" in tables_of(path)


def test_a_migration_that_fails_leaves_the_file_as_it_was(path):
    """After a failed upgrade the old version still works."""
    with closing(connect_writer(path)) as connection:
        with pytest.raises(apsw.Error):
            schema.migrate(connection, [*schema.migrations(), GOOD, BAD])

        assert schema.newest_version() == schema.version_of(connection)
    assert not {"extra", "other"} & tables_of(path)


def test_a_file_of_a_newer_version_is_refused(path):
    """An old program that wrote into a new schema would lose what it does not know."""
    with closing(connect_writer(path)) as connection:
        schema.migrate(connection, [*schema.migrations(), GOOD])

    for migrate in (True, False):
        with pytest.raises(SchemaMismatch, match="newer version"):
            open_sqlite(path, migrate=migrate)


def test_a_file_of_an_older_version_is_refused_where_nobody_may_migrate(path):
    """Commands beside a running server do not change its schema under it."""
    with closing(connect_writer(path)) as connection:
        connection.execute("DELETE FROM schema_version WHERE version > 1")
        connection.execute("UPDATE schema_version SET version = 0")

    with pytest.raises(SchemaMismatch, match="registrary migrate"):
        open_sqlite(path, migrate=False)


def test_a_file_that_is_absent_is_not_made_where_nobody_may_migrate(tmp_path):
    """A command with a mistyped path must not leave an empty store there."""
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_sqlite(tmp_path / "store.db", migrate=False)

    assert [] == list(tmp_path.iterdir())


def test_a_file_of_another_program_is_refused(tmp_path):
    """Our tables do not go into somebody's bookmarks."""
    path = tmp_path / "bookmarks.db"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE bookmark (url TEXT)")

    with pytest.raises(SchemaMismatch, match="another program"):
        open_sqlite(path)

    assert {"bookmark"} == tables_of(path)


def test_processes_that_start_together_take_turns(tmp_path):
    """All workers of a first start find the same schema."""
    path = tmp_path / "store.db"
    failures: list[Exception] = []

    def start() -> None:
        try:
            open_sqlite(path)
        except Exception as error:  # noqa: BLE001 - looked at below
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == failures
