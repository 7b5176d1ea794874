"""Every statement finds what it wants by an index, however many clients there are."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from registrary.storage.shared.statements import statements
from registrary.storage.sqlite import open_sqlite
from registrary.storage.sqlite.connection import connect_writer
from registrary.storage.sqlite.tables import TABLES

STATEMENTS = {
    **{f"{table.kind}.{name}": sql for table in TABLES for name, sql in table.sql.items()},
    **{
        f"counters.{name}": sql
        for name, sql in statements("registrary.storage.sqlite", "counters").items()
    },
    **{f"log.{name}": sql for name, sql in statements("registrary.storage.sqlite", "log").items()},
}
SMALL = {"issuer.all", "log.start"}
"""These look at every issuer, of which there are few."""


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    """Open a file with every table."""
    path: Path = tmp_path_factory.mktemp("statements") / "store.db"
    open_sqlite(path)
    with closing(connect_writer(path)) as connection:
        yield connection


def plan_of(connection: apsw.Connection, sql: str) -> list[str]:
    """Return the steps by which SQLite would run *sql*."""
    bindings = [None] * 9
    count = next(n for n in range(9, -1, -1) if f"?{n}" in sql or n == 0)
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", bindings[:count]).fetchall()
    return [str(row[3]) for row in rows]


@pytest.mark.parametrize(
    "name", sorted(name for name in STATEMENTS if not name.endswith(".all") or name in SMALL)
)
def test_no_statement_reads_a_whole_table(connection, name):
    """A lookup costs about the same among a million clients as among a thousand."""
    steps = plan_of(connection, STATEMENTS[name])

    scans = [step for step in steps if step.startswith("SCAN") and "CONSTANT ROW" not in step]
    assert [] == scans or name in SMALL


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_no_statement_sorts(connection, name):
    """A page is read off an index, not sorted out of everything."""
    assert [] == [step for step in plan_of(connection, STATEMENTS[name]) if "TEMP B-TREE" in step]
