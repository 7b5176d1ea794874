"""What the tree over the log cannot see of the file that keeps it.

The tree proves what stands in a row that was read. Here is asked whether the rows can be read at
all, by every way to them (SQLite's own check compares tables and their indexes), whether they stand
where they belong (strays.sql), and whether the rules that keep them final are still in force.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from registrary.storage.shared.statements import statements
from registrary.storage.sqlite import schema
from registrary.storage.sqlite.connection import connect_reader
from registrary.storage.sqlite.errors import OUTAGES, unavailable

LOG_TABLES: Final = ("event_log", "event", "tile", "checkpoint")
_CHECKED: Final = ("sqlite_schema", *LOG_TABLES)
_LIMIT: Final = 100  # lines of one check
_STRAYS: Final = statements(__package__, "strays")
_SCHEMA: Final = "SELECT name, type, tbl_name, sql FROM sqlite_schema"


def damage_of_log(path: Path) -> list[str]:
    """Return what SQLite finds wrong with the tables of the log; they are read whole for it.

    Where anything is, reading them tells nothing for certain.
    """
    return _asked(path, _damage)


def strays_of_log(path: Path) -> list[str]:
    """Return which rows of the log stand where they do not belong, and which rules are changed."""
    return _asked(path, _strays)


def _asked(path: Path, ask: Callable[[apsw.Connection], list[str]]) -> list[str]:
    try:
        with closing(connect_reader(path)) as connection:
            return ask(connection)
    except (apsw.CorruptError, apsw.NotADBError) as error:
        return [str(unavailable(error, path))]
    except (apsw.SQLError, UnicodeDecodeError):  # a name or a text is another than we wrote
        return [str(unavailable(apsw.CorruptError(), path))]
    except OUTAGES as error:
        raise unavailable(error, path) from error


def _damage(connection: apsw.Connection) -> list[str]:
    lines = (
        str(text)
        for table in _CHECKED
        for (text,) in connection.execute(f"PRAGMA integrity_check({table})").fetchall()
    )
    return [line for line in lines if line != "ok"]


def _strays(connection: apsw.Connection) -> list[str]:
    rows = (
        str(text)
        for sql in _STRAYS.values()
        for (text,) in connection.execute(sql, (_LIMIT,)).fetchall()
    )
    return [*rows, *_changed_rules(connection)]


def _changed_rules(connection: apsw.Connection) -> list[str]:
    """Compare the schema with one that this version makes: tables, indexes and triggers."""
    with closing(apsw.Connection(":memory:")) as fresh:
        schema.migrate(fresh)
        made = set(fresh.execute(_SCHEMA).fetchall())
    kept = set(connection.execute(_SCHEMA).fetchall())
    differing = {str(row[0]) for row in made ^ kept}
    return [f"{name} is not as this version made it" for name in sorted(differing)]
