"""What the tree over the log cannot see of the database that keeps it.

The tree proves what stands in a row that was read. Here is asked whether the rows can be read at
all, whether they stand where they belong (strays.sql), and whether the rules that keep them final
are still in force.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import asyncpg
from asyncpg import exceptions

from registrary.storage.postgres import schema
from registrary.storage.postgres.connecting import Database, Rows
from registrary.storage.postgres.errors import outage, state_of
from registrary.storage.shared.statements import statements

LOG_TABLES: Final = ("event_log", "event", "event_place", "waiting_event", "tile", "checkpoint")
_SECONDS: Final = 24 * 3600.0  # everything is read, and somebody waits for it
_LIMIT: Final = 100  # lines of one check
_STRAYS: Final = statements(__package__, "strays")
_SQL: Final = statements(__package__, "log_check")
_REFUSAL: Final = re.compile(r"FUNCTION registrary\.refuse\(\).*?\$\$(.*?)\$\$", re.DOTALL)
_CONDITION: Final = re.compile(r"CREATE TRIGGER (\w+)[^;]*? WHEN \(([^;]*)\)\s*EXECUTE FUNCTION")
_SPELLING: Final = re.compile(r"[\s()\"]")  # in which PostgreSQL differs from what it was told
_DAMAGE: Final = "XX"


class Rule(NamedTuple):
    """A trigger that refuses: on which table, and PostgreSQL's bits for when and on what."""

    table: str
    name: str
    kind: int


_DELETE, _UPDATE, _EITHER, _TRUNCATE = 11, 19, 27, 34
RULES: Final = (
    Rule("client", "client_stays", _DELETE),
    Rule("client", "client_stays_whole", _TRUNCATE),
    Rule("event", "event_stays", _DELETE),
    Rule("event", "event_stays_whole", _TRUNCATE),
    Rule("event", "event_is_only_erased", _UPDATE),
    Rule("event_log", "event_log_stays", _DELETE),
    Rule("event_log", "event_log_stays_whole", _TRUNCATE),
    Rule("event_log", "event_log_grows", _UPDATE),
    Rule("event_place", "event_place_is_final", _EITHER),
    Rule("event_place", "event_place_is_final_whole", _TRUNCATE),
    Rule("checkpoint", "checkpoint_is_final", _EITHER),
    Rule("checkpoint", "checkpoint_is_final_whole", _TRUNCATE),
)
"""What keeps final what is final, as the migrations made it."""


async def damage_of_store(database: Database) -> list[str]:
    """Return what is wrong with how the store is kept; every table is read whole for it."""
    tables = [row["name"] for row in await database.rows(_SQL["tables"])]
    unusable = [text for (text,) in await database.rows(_SQL["unusable_indexes"])]
    return [*unusable, *await _unreadable(database, tables)]


async def damage_of_log(database: Database) -> list[str]:
    """Return which tables of the log cannot be read; they are read whole for it."""
    return await _unreadable(database, LOG_TABLES)


async def strays_of_log(database: Database) -> list[str]:
    """Return which rows of the log stand where they do not belong, and which rules are changed."""
    found = [str(text) for sql in _STRAYS.values() for (text,) in await _ask(database, sql, _LIMIT)]
    return [*found, *await _changed_rules(database)]


async def _unreadable(database: Database, tables: Sequence[str]) -> list[str]:
    found = []
    for table in tables:
        try:
            await _ask(database, _SQL["read_whole"].replace("{table}", table))
        except exceptions.PostgresError as error:
            if not state_of(error).startswith(_DAMAGE):
                raise outage(error, str(database.address)) or error from error
            found.append(f"{database.address}: table {table} is damaged ({error})")
    return found


async def _changed_rules(database: Database) -> list[str]:
    rows = await _ask(database, _SQL["rules"])
    parts = int((await _ask(database, _SQL["partition_count"]))[0][0])
    kept = {
        (row["table_name"], row["name"]): row
        for row in rows
        if row["is_enabled"] and row["refuses"]
    }
    made = schema.migrations()[0].sql
    conditions = {name: _plain(text) for name, text in _CONDITION.findall(made)}
    changed = [
        rule.name for rule in RULES if not _is_kept(rule, kept, parts=parts, conditions=conditions)
    ]
    refusal = _REFUSAL.search(made)
    source = await _ask(database, _SQL["refusal"])
    if refusal is None or not source or source[0][0] != refusal[1]:
        changed.append("refuse")
    return [f"{name} is not as this version made it" for name in changed]


def _plain(condition: str) -> str:
    """Return what *condition* says, however it is spelt."""
    return _SPELLING.sub("", condition).lower()


def _is_kept(
    rule: Rule,
    kept: Mapping[tuple[str, str], asyncpg.Record],
    *,
    parts: int,
    conditions: Mapping[str, str],
) -> bool:
    row = kept.get((rule.table, rule.name))
    if row is None:
        return False
    times = 1 + parts if rule.table == "event" else 1
    return (row["kind"], _plain(row["condition"]), row["times"]) == (
        rule.kind,
        conditions.get(rule.name, ""),
        times,
    )


async def _ask(database: Database, sql: str, *bindings: object) -> Rows:
    """Ask what takes long: the deadline of other reads would end it."""
    end = database.now() + _SECONDS
    async with database.line(end=end) as line:
        rows: Rows = await line.connection.fetch(sql, *bindings)
    return rows
