"""`Changes` as rows for the parts of a statement."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

from registrary.audit.record import record_of
from registrary.core.changes import NO_LIMIT, Changes, Consume, Put
from registrary.core.events import Event
from registrary.storage.postgres.shapes import (
    CONSUME,
    COUNT,
    GIVE_BACK,
    LOG,
    Act,
    Part,
    Shape,
    statement,
)
from registrary.storage.postgres.tables import BY_KIND, Table
from registrary.storage.shared.kinds import encode, end_of
from registrary.storage.shared.times import microseconds

Row = tuple[str | int | bytes | None, ...]
Place = tuple[str, str, str]
"""Kind, issuer and key of a record."""

_GIVEN_BACK: Final = -1


class ChangesWork:
    """One `Changes`, encoded: made where it was asked for, so that misuse is told to who is at it.

    *parts* are the rows of each part. *reads* and *writes* are the records it relies on and
    changes, and *counters* the limit of each counter it adds to (below zero: it gives back):
    what decides with whom it may share a statement. *steps* is for one that even cannot share
    a statement with itself, as when it removes a record and puts another in its place: its rows
    one after another.
    """

    __slots__ = ("consumptions", "counters", "parts", "reads", "shape", "steps", "writes")

    def __init__(self, changes: Changes) -> None:
        self.parts: dict[Part, list[Row]] = defaultdict(list)
        self.reads: set[Place] = set()
        self.writes: set[Place] = set()
        self.counters: dict[tuple[str, str], int] = {}
        self.consumptions = changes.consumptions
        self.steps: list[tuple[Part, Row]] = []
        is_entangled = self._add_records(changes)
        is_entangled = self._add_counters(changes.consumptions) or is_entangled
        if changes.events:
            self.parts[LOG] = [_event_row(event) for event in changes.events]
        if is_entangled:
            self.steps = _steps(changes)
        self.shape: Shape = tuple(sorted(self.parts))

    def _add_records(self, changes: Changes) -> bool:
        """Add what happens to records; tell whether one record is changed twice."""
        demanded = {(part.kind, part.issuer, part.key): part.revision for part in changes.unchanged}
        is_demanded_twice = len(demanded) != len(changes.unchanged)
        for put in changes.puts:
            part, row, place = _put(put)
            if put.expected is not None and demanded.get(place) == put.expected:
                del demanded[place]  # the replacement demands as much
            self.parts[part].append(row)
            self.writes.add(place)
        for deletion in changes.deletions:
            table, place = BY_KIND[deletion.kind], (deletion.kind, deletion.issuer, deletion.key)
            part, row = _deletion(table, place, demanded.pop(place, None))
            self.parts[part].append(row)
            self.writes.add(place)
        for place, revision in demanded.items():
            self.parts[_part(Act.DEMAND, BY_KIND[place[0]])].append((*place[1:], revision))
            self.reads.add(place)
        return is_demanded_twice or len(self.writes) != len(changes.puts) + len(changes.deletions)

    def _add_counters(self, consumptions: Iterable[Consume]) -> bool:
        """Add what is counted; tell whether one counter is bound by two rules."""
        is_entangled = False
        for consumption in consumptions:
            part, row = _consumption(consumption)
            place, rule = (consumption.issuer, consumption.counter), _rule(consumption)
            is_entangled = is_entangled or self.counters.setdefault(place, rule) != rule
            self.parts[part].append(row)
        return is_entangled


def merged(works: Sequence[ChangesWork]) -> Mapping[Part, list[Row]]:
    """Return the rows of all *works*, which have one shape, as one statement takes them."""
    if len(works) == 1:
        parts = works[0].parts
    else:
        parts = {part: [] for part in works[0].shape}
        for work in works:
            for part, rows in work.parts.items():
                parts[part] += rows
    return {part: _arranged(part, rows) for part, rows in parts.items()}


def bindings(shape: Shape, parts: Mapping[Part, Sequence[Row]]) -> list[object]:
    """Return what the statement of *shape* binds."""
    counted = statement(shape).counted
    bound: list[object] = [[len(parts[part]) for part in counted]] if counted else []
    for part in shape:
        bound += zip(*parts[part], strict=True)
    return bound


def _arranged(part: Part, rows: list[Row]) -> list[Row]:
    if part is LOG or len(rows) == 1:
        return rows
    if part.act is Act.DEMAND:
        rows = list(set(rows))
    elif part in {CONSUME, COUNT, GIVE_BACK}:
        rows = _added_up(rows)
    return sorted(rows, key=_place_in_table)


def _place_in_table(row: Row) -> Row:
    return row[:2]


def _added_up(rows: Iterable[Row]) -> list[Row]:
    sums: dict[Row, int] = defaultdict(int)
    for issuer, counter, amount, *most in rows:
        sums[issuer, counter, *most] += amount  # type: ignore[operator]  # the third is the amount
    return [(issuer, counter, amount, *most) for (issuer, counter, *most), amount in sums.items()]


def _steps(changes: Changes) -> list[tuple[Part, Row]]:
    """Return every row by itself, in the order that `Changes` promises: check, change, insert."""
    demands: list[tuple[Part, Row]] = [
        (_part(Act.DEMAND, BY_KIND[part.kind]), (part.issuer, part.key, part.revision))
        for part in changes.unchanged
    ]
    counts = [_consumption(part) for part in changes.consumptions]
    puts = [(put.expected is None, *_put(put)[:2]) for put in changes.puts]
    deletions = [
        _deletion(BY_KIND[part.kind], (part.kind, part.issuer, part.key), None)
        for part in changes.deletions
    ]
    return [
        *demands,
        *counts,
        *((part, row) for is_new, part, row in puts if not is_new),
        *deletions,
        *((part, row) for is_new, part, row in puts if is_new),
        *((LOG, _event_row(event)) for event in changes.events),
    ]


@cache
def _part(act: Act, table: Table) -> Part:
    ends = table.ends and act in {Act.REPLACE, Act.INSERT}
    return Part(act, table.place, table.kind, ends)


def _put(put: Put) -> tuple[Part, Row, Place]:
    record, expected = put.record, put.expected
    table = BY_KIND[record.kind]
    issuer, key = record.issuer, record.key
    text = encode(record).decode()
    end: Row = (end_of(record),) if table.ends else ()
    place = (record.kind, issuer, key)
    if expected is None:
        return _part(Act.INSERT, table), (issuer, key, record.revision, text, *end), place
    if record.revision <= expected:
        raise ValueError("a record is put with a revision above the one it replaces")
    return _part(Act.REPLACE, table), (issuer, key, expected, record.revision, text, *end), place


def _deletion(table: Table, place: Place, revision: int | None) -> tuple[Part, Row]:
    if table.stays:
        raise ValueError("clients are never removed: their ids stay taken")
    if revision is None:
        return _part(Act.DELETE, table), place[1:]
    return _part(Act.REMOVE, table), (*place[1:], revision)


def _consumption(part: Consume) -> tuple[Part, Row]:
    if part.amount <= 0:
        return GIVE_BACK, (part.issuer, part.counter, -part.amount)
    if part.limit == NO_LIMIT:
        return COUNT, (part.issuer, part.counter, part.amount)
    return CONSUME, (part.issuer, part.counter, part.amount, part.limit)


def _rule(part: Consume) -> int:
    return _GIVEN_BACK if part.amount <= 0 else part.limit


def _event_row(event: Event) -> Row:
    record = record_of(event)
    return (
        record.issuer,
        event.id,
        microseconds(record.time),
        record.client_id,
        None if record.body is None else record.body.decode(),
        record.salt,
        record.leaf_hash,
    )
