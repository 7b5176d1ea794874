"""The statement of a commit: one for each shape, whatever the number of rows.

A shape says which kinds of records are demanded, replaced, inserted and so on. `Changes` of one
shape go together in one statement, which is one round trip and one transaction: its parts run
from left to right, each returns what it found, and where that is less than it was given the whole
statement fails. There are about as many shapes as use cases that write.
"""

from enum import IntEnum
from functools import cache
from typing import Final, NamedTuple

from registrary.storage.postgres.watched import CHANNEL, LISTED, WATCHED
from registrary.storage.shared.statements import statements

COUNTER: Final = "counter"
EVENT: Final = "event"


class Act(IntEnum):
    """What a part does, in the order in which they are done.

    The counters that many commits share come last, so that they are locked for the shortest time.
    """

    DEMAND = 0
    REPLACE = 1
    REMOVE = 2
    DELETE = 3
    INSERT = 4
    LOG = 5
    CONSUME = 6
    COUNT = 7
    GIVE_BACK = 8


class Part(NamedTuple):
    """One act on one table. *place* is the number of the kind, for an order of all parts."""

    act: Act
    place: int
    table: str
    ends: bool = False


Shape = tuple[Part, ...]

CONSUME: Final = Part(Act.CONSUME, 0, COUNTER)
COUNT: Final = Part(Act.COUNT, 0, COUNTER)
GIVE_BACK: Final = Part(Act.GIVE_BACK, 0, COUNTER)
LOG: Final = Part(Act.LOG, 0, EVENT)

_COUNTED: Final = {Act.DEMAND, Act.REPLACE, Act.REMOVE, Act.INSERT, Act.LOG, Act.CONSUME}
_TOLD: Final = {Act.REPLACE, Act.REMOVE, Act.DELETE}
_KEY: Final = ("text", "text")
_RECORD: Final = (*_KEY, "bigint", "text")
_COLUMNS: Final = {
    Act.DEMAND: (*_KEY, "bigint"),
    Act.REPLACE: (*_KEY, "bigint", "bigint", "text"),
    Act.REMOVE: (*_KEY, "bigint"),
    Act.DELETE: _KEY,
    Act.INSERT: _RECORD,
    Act.LOG: ("text", "uuid", "bigint", "text", "text", "bytea", "bytea"),
    Act.CONSUME: (*_KEY, "bigint", "bigint"),
    Act.COUNT: (*_KEY, "bigint"),
    Act.GIVE_BACK: (*_KEY, "bigint"),
}
_SQL: Final = statements(__package__, "commit")


class Statement(NamedTuple):
    """The SQL of a shape. It binds how many rows are *counted*, then the columns of each part."""

    sql: str
    counted: tuple[Part, ...]


@cache
def statement(shape: Shape) -> Statement:
    """Return the statement of *shape*, whose parts stand in order."""
    counted = tuple(part for part in shape if part.act in _COUNTED)
    texts: list[str] = []
    bound = 1 if counted else 0
    for part in shape:
        types = _columns(part)
        rows = ", ".join(f"${bound + n}::{kind}[]" for n, kind in enumerate(types, start=1))
        bound += len(types)
        texts += _texts(part, f"unnest({rows})")
    telling = any(_is_told(part) for part in shape)
    result = _result(counted, telling=telling)
    return Statement(_SQL["whole"].format(parts=", ".join(texts), result=result), counted)


def _columns(part: Part) -> tuple[str, ...]:
    return (*_COLUMNS[part.act], "bigint") if part.ends else _COLUMNS[part.act]


def _texts(part: Part, rows: str) -> list[str]:
    name = _name(part)
    verb = part.act.name.lower() + ("_ending" if part.ends else "")
    texts = [_SQL[verb].format(name=name, rows=rows, table=part.table)]
    if part.act is Act.LOG:
        texts.append(_SQL["queue"].format(name="queued", rows=rows))
    if _is_told(part):
        texts.append(_SQL["tell"].format(name=f"{name}_told", source=name, table=part.table))
    return texts


def _result(counted: tuple[Part, ...], *, telling: bool) -> str:
    """Return what compares what was found with what had to be, and wakes those who listen."""
    columns = ["true"]
    if counted:
        compared = _SQL["compared"].format(
            found=", ".join(_SQL["found"].format(name=_name(part)) for part in counted),
            names=", ".join(f"'{part.table}'" for part in counted),
            consumed=_SQL["consumed"].format(name=_name(CONSUME)) if CONSUME in counted else "NULL",
        )
        columns = [compared]
    if telling:
        columns.append(_SQL["notified"].format(channel=CHANNEL))
    return ", ".join(columns)


def _is_told(part: Part) -> bool:
    if part.act is Act.INSERT:
        return part.table in LISTED
    return part.act in _TOLD and part.table in WATCHED


def _name(part: Part) -> str:
    return f"{part.act.name.lower()}_{part.table}"
