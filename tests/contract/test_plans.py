"""No statement of a store looks at more rows because there are more of them.

Each is planned on tables of many rows. Those that read all of a store on purpose (export, search
for damage) are left out; so are tables that have a row for each issuer, not for each client.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing

import apsw
import pytest

from registrary.storage.postgres import shapes
from registrary.storage.postgres.tables import TABLES as POSTGRES_TABLES
from registrary.storage.shared.statements import statements
from registrary.storage.sqlite import open_sqlite
from registrary.storage.sqlite.opening import connect
from registrary.storage.sqlite.tables import TABLES as SQLITE_TABLES
from registrary.testing.postgres import Cluster
from registrary.testing.stores import postgres_stores
from tests.conftest import folder_of_run

MANY = 200_000  # clients, and as many events
SOME = 20_000  # rows of every other table

SMALL = {"event_log", "log", "issuer"}
"""Tables with a row for each issuer; *log* is what statements call ``event_log``."""

ON_PURPOSE = {"all"}
"""Statements that read a whole table; only issuers are read so."""

_NUMBERS = (
    "(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})"
    " SELECT n FROM s)"
)
_SERIES = "generate_series(1, {count}) AS n"
_OTHERS = (
    ("counter (issuer, name, used)", "'issuer', 'clients:' || n, 1"),
    ("checkpoint (issuer, size, note)", "'issuer', n, 'note'"),
)

COMMON = (
    shapes.Part(shapes.Act.INSERT, 0, "client"),
    shapes.Part(shapes.Act.LOG, 0, "event"),
    shapes.Part(shapes.Act.COUNT, 0, "counter"),
)
"""The shape of a registration."""


def sqlite_statements() -> Iterator[tuple[str, str]]:
    """Yield every statement that a running server asks an SQLite file, with a name for it."""
    for table in SQLITE_TABLES:
        for name, sql in table.sql.items():
            if name not in ON_PURPOSE:
                yield f"{table.kind}.{name}", sql
    package = "registrary.storage.sqlite"
    for file in ("log", "counters"):
        for name, sql in statements(package, file).items():
            yield f"{file}.{name}", sql


def postgres_statements() -> Iterator[tuple[str, str]]:
    """Yield every statement that a running server asks PostgreSQL, with a name for it."""
    for table in POSTGRES_TABLES:
        for name, sql in table.sql.items():
            if name not in ON_PURPOSE:
                yield f"{table.kind}.{name}", sql
        for act in (shapes.Act.DEMAND, shapes.Act.REPLACE, shapes.Act.REMOVE, shapes.Act.INSERT):
            ends = table.ends and act in {shapes.Act.REPLACE, shapes.Act.INSERT}
            part = shapes.Part(act, table.place, table.kind, ends)
            yield f"{table.kind}.{act.name.lower()}", shapes.statement((part,)).sql
    for part in (shapes.CONSUME, shapes.COUNT, shapes.GIVE_BACK):
        yield f"counter.{part.act.name.lower()}", shapes.statement((part,)).sql
    yield "registration", shapes.statement(COMMON).sql
    package = "registrary.storage.postgres"
    for file in ("log", "counters"):
        for name, sql in statements(package, file).items():
            yield f"{file}.{name}", sql


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apsw.Connection]:
    """Fill an SQLite file with rows; it plans without statistics, which nobody gathers for it."""
    path = tmp_path_factory.mktemp("plans") / "store.db"
    open_sqlite(path)
    with closing(connect(path)) as connection:
        with connection:
            for statement in _filling_sqlite():
                connection.execute(statement)
        yield connection


def _filling_sqlite() -> Iterator[str]:
    for table in SQLITE_TABLES:
        yield _records(table.kind, "printf('%032x', n)", _NUMBERS, ends=table.ends)
    yield "INSERT INTO event_log (issuer, number, size) VALUES ('issuer', 0, 100000)"
    yield _insertion(
        "event (issuer, event_id, time, client_id, body, salt, leaf_hash, sequence)",
        "'issuer', unhex(printf('%032x', n)), n, printf('%032x', n), '{}', zeroblob(16), "
        "zeroblob(32), n - 1",
        _NUMBERS.format(count=MANY),
    )
    tile = "tile (issuer, level, number, hashes)", "'issuer', 0, n, zeroblob(32)"
    for columns, values in (tile, *_OTHERS):
        yield _insertion(columns, values, _NUMBERS.format(count=SOME))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, str]]:
    """Fill a database of PostgreSQL with rows."""
    with postgres_stores(folder_of_run(tmp_path_factory)) as stores, stores.database() as url:
        name = url.rpartition("/")[2]
        stores.cluster.sql(";\n".join(_filling_postgres()), database=name)
        stores.cluster.sql("VACUUM ANALYZE", database=name)
        yield stores.cluster, name


def _filling_postgres() -> Iterator[str]:
    for table in POSTGRES_TABLES:
        key = "lpad(to_hex(n), 32, '0')"
        yield _records(f"registrary.{table.kind}", key, _SERIES, ends=table.ends)
    yield "INSERT INTO registrary.event_log (issuer, size) VALUES ('issuer', 100000)"
    # Half of them in the month that is, the others in one that nobody prepared.
    yield _insertion(
        "registrary.event (issuer, event_id, time, client_id, body, salt, leaf_hash)",
        "'issuer', (left(registrary.first_event_id(date_trunc('month', now()) "
        "- make_interval(months => n % 2))::text, 13) || lpad(to_hex(n), 20, '0'))::uuid, n, "
        "lpad(to_hex(n), 32, '0'), '{}', '\\x00', decode(repeat('00', 32), 'hex')",
        _SERIES.format(count=MANY),
    )
    yield _insertion(
        "registrary.event_place (log, place, event_id)",
        "number, row_number() OVER () - 1, event_id",
        "registrary.event, registrary.event_log",
    )
    yield _insertion(
        "registrary.waiting_event (issuer, event_id, leaf_hash, time)",
        "issuer, event_id, leaf_hash, time",
        f"registrary.event LIMIT {SOME}",
    )
    tile = "tile (issuer, level, number, hashes)", "'issuer', 0, n, '\\x00'"
    for columns, values in (tile, *_OTHERS):
        yield _insertion(f"registrary.{columns}", values, _SERIES.format(count=SOME))


def _records(table: str, key: str, numbers: str, *, ends: bool) -> str:
    kind = table.rpartition(".")[2]
    count = MANY if kind == "client" else 10 if kind in SMALL else SOME
    columns, values = "issuer, key, revision, record", f"'issuer', {key}, 1, '{{}}'"
    if ends:
        columns, values = f"{columns}, expires_at", f"{values}, n * 1000"
    return _insertion(f"{table} ({columns})", values, numbers.format(count=count))


def _insertion(columns: str, values: str, source: str) -> str:
    return f"INSERT INTO {columns} SELECT {values} FROM {source}"  # noqa: S608 - all from here


def _steps_in_sqlite(file: apsw.Connection, sql: str) -> list[str]:
    rows = file.execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * _parameters(sql, r"\?(\d+)"))
    return [str(detail) for *_, detail in rows]


def _plans_of_postgres(
    database: tuple[Cluster, str], asked: Iterable[tuple[str, str]]
) -> dict[str, list[str]]:
    """Return the steps of each of the statements *asked* for, by name; one session plans all."""
    cluster, where = database
    script = ["SET plan_cache_mode = force_generic_plan;"]  # as one that is prepared and kept
    for name, sql in asked:
        values = ", ".join(["NULL"] * _parameters(sql, r"\$(\d+)"))
        call = f"asked({values})" if values else "asked"
        script += [f"\\echo = {name}", f"PREPARE asked AS {sql};"]
        script += [f"EXPLAIN (COSTS off) EXECUTE {call};", "DEALLOCATE asked;"]
    answers = re.split(r"^= ", cluster.sql("\n".join(script), database=where), flags=re.MULTILINE)
    return {steps[0]: steps[1:] for steps in map(str.splitlines, answers[1:])}


def _parameters(sql: str, pattern: str) -> int:
    return max((int(number) for number in re.findall(pattern, sql)), default=0)


def test_sqlite_finds_every_row_by_an_index(file):
    """A million clients are looked at one by one where a single statement has no index."""
    plans = {name: _steps_in_sqlite(file, sql) for name, sql in sqlite_statements()}

    slow = {name: _slow_steps(steps) for name, steps in plans.items()}

    assert {} == {name: steps for name, steps in slow.items() if steps}


def test_postgres_finds_every_row_by_an_index(database):
    """The planner knows how many rows there are, and what it does with none says nothing."""
    harmless = SMALL | _empty(database)

    plans = _plans_of_postgres(database, postgres_statements())

    read = {name: _read_whole(steps) - harmless for name, steps in plans.items()}

    assert {} == {name: tables for name, tables in read.items() if tables}


def test_a_statement_without_an_index_is_noticed(file, database):
    """A gate nobody has seen closed may be painted on the wall."""
    by_record = "SELECT key FROM {}client WHERE record = {}1"

    in_sqlite = _steps_in_sqlite(file, by_record.format("", "?"))
    in_postgres = _plans_of_postgres(database, [("asked", by_record.format("registrary.", "$"))])

    assert ["SCAN client"] == in_sqlite
    assert {"client"} == _read_whole(in_postgres["asked"])


def _slow_steps(steps: list[str]) -> list[str]:
    """Return the steps of a plan that read a table from end to end, or sort what they found."""
    small = {f"SCAN {table}" for table in {"CONSTANT ROW", *SMALL}}
    return [
        step
        for step in steps
        if "TEMP B-TREE" in step or (step.startswith("SCAN") and step not in small)
    ]


def _read_whole(steps: list[str]) -> set[str]:
    """Return the tables that a plan reads from one end to the other."""
    return set(re.findall(r"Seq Scan on (\w+)", "\n".join(steps)))


def _empty(database: tuple[Cluster, str]) -> set[str]:
    """Return the tables without rows, such as partitions of months to come."""
    cluster, name = database
    sql = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relpages = 0"
    return set(cluster.sql(sql, database=name).splitlines())
