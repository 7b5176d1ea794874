"""Whatever keeps records is tested on every database there is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]

ADDRESS = "sqlite" + ":///"
OPENING = {"open_sqlite", "SqliteStore"}

ABOUT_SQLITE = {
    "contract/test_plans.py": "it asks each database how it finds its rows",
    "contract/test_sqlite_store.py": "the same contracts are kept by the others beside it",
    "contract/test_transfer.py": "it goes from each database to each other",
    "docs/test_quickstart.py": "the quickstart begins on SQLite",
    "faults/faulty.py": "its disk is one that SQLite writes to",
    "faults/store_worker.py": "it is a second process on one file",
    "faults/test_canaries.py": "an outage of the disk; its other test is for both",
    "faults/test_clock_steps.py": "a clock is the machine's, whatever the database",
    "faults/test_flipped_bits.py": "it changes octets of the file",
    "faults/test_moving.py": "it moves from SQLite to the other",
    "faults/test_server_disk.py": "its disk is one that SQLite writes to",
    "faults/test_store_disk.py": "its disk is one that SQLite writes to",
    "faults/test_store_processes.py": "it is about processes on one file",
    "protocol/test_isolation.py": "a table of routes; its other tests are for both",
    "protocol/test_serving.py": "a server that cannot start; its other tests are for both",
    "unit/cli/test_audit.py": "a setting; its other tests are for both",
    "unit/cli/test_doctor.py": "a file that is not there; its other tests are for both",
    "unit/cli/test_on_postgres.py": "what is said where PostgreSQL is needed",
    "unit/config": "settings are read, and nothing is kept",
    "unit/storage/sqlite": "the back-end itself",
    "unit/wiring/test_adapters.py": "how a file is found and opened",
    "unit/wiring/test_health.py": "its key file is damaged and exchanged",
    "unit/wiring/test_issuers.py": "a setting; its other tests are for both",
    "unit/wiring/test_logs.py": "it damages the file",
}
"""What may use SQLite without the others, and why: folders, or modules in parts or whole."""


def lonely(source: str) -> Iterator[str]:
    """Yield what in *source* runs on one database alone, one phrase for each place."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(name)) if name in OPENING:
                yield f"line {node.lineno}: {name}()"
            case ast.Call(func=ast.Name("running_server")) if not chosen(node):
                yield f"line {node.lineno}: running_server() without stores"
            case ast.Constant(str(text)) if text.startswith(ADDRESS):
                yield f"line {node.lineno}: {text}"
            case _:
                continue


def chosen(call: ast.Call) -> bool:
    """Tell whether a call says on which database, and not that it is SQLite."""
    given = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "stores"]
    return bool(given) and given != ["SQLITE"]


def modules() -> list[Path]:
    """Return every module of the tests."""
    return [path for path in sorted(TESTS.rglob("*.py")) if "node_modules" not in path.parts]


def in_module(path: Path) -> list[str]:
    """Return what in a module runs on one database alone."""
    return list(lonely(path.read_text(encoding="utf-8")))


def excused(path: Path) -> list[str]:
    """Return by which entries *path* may use SQLite alone."""
    name = path.relative_to(TESTS).as_posix()
    return [entry for entry in ABOUT_SQLITE if name == entry or name.startswith(f"{entry}/")]


def test_a_server_runs_on_every_database():
    """Who forgets the fixture `stores` has tested half of what operators run."""
    found = {str(path): places for path in modules() if (places := in_module(path))}

    assert {} == {path: places for path, places in found.items() if not excused(Path(path))}


def test_no_excuse_outlives_its_reason():
    """A module that needs no excuse any more would let the next one in unseen."""
    used = {entry for path in modules() if in_module(path) for entry in excused(path)}

    assert set(ABOUT_SQLITE) == used


@pytest.mark.parametrize(
    "source",
    [
        "with running_server(tmp_path) as server: ...",
        "with running_server(tmp_path, '--workers', '2') as server: ...",
        "store = open_sqlite(tmp_path / 'store.db')",
        f"store = f'{ADDRESS}{{path}}'",
    ],
    ids=["server", "options", "store", "address"],
)
def test_one_database_alone_is_noticed(source):
    """A gate nobody has seen closed may be painted on the wall."""
    assert [] != list(lonely(source))
