"""`Changes` as statements: prepared by whoever commits, run by the writer."""

from typing import Any, NamedTuple

from registrary.audit.record import record_of
from registrary.core.changes import Changes, Consume, Put
from registrary.storage.sqlite.kinds import STATEMENTS, encode, microseconds


class Step(NamedTuple):
    """One statement. *conflict* names what is not as expected when it touches no row."""

    statement: str
    values: tuple[Any, ...]  # Any: what SQLite can bind
    conflict: str | None = None
    is_query: bool = False


_EVENT = (
    "INSERT INTO event (issuer, event_id, time, client_id, body, salt, leaf_hash) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_COUNT = (
    "INSERT INTO counter (issuer, name, value) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE "
    "SET value = value + ?3 WHERE value + ?3 <= ?4"
)
_GIVE_BACK = "UPDATE counter SET value = max(0, value + ?) WHERE issuer = ? AND name = ?"


def steps_of(changes: Changes) -> list[Step]:
    """Return the statements that make *changes* so; raises `ValueError` for misuse."""
    _refuse_misuse(changes)
    steps = [
        Step(
            STATEMENTS[part.kind].unchanged,
            (part.issuer, part.key, part.revision),
            part.kind,
            is_query=True,
        )
        for part in changes.unchanged
    ]
    steps += [_counted(part) for part in changes.consumptions]
    steps += [_put(part) for part in changes.puts]
    steps += [
        Step(STATEMENTS[part.kind].delete, (part.issuer, part.key)) for part in changes.deletions
    ]
    for event in changes.events:
        kept = record_of(event)
        values = (
            kept.issuer,
            kept.event_id,
            microseconds(kept.time),
            kept.client_id,
            kept.body,
            kept.salt,
            kept.leaf_hash,
        )
        steps.append(Step(_EVENT, values))
    return steps


def _put(part: Put) -> Step:
    record = part.record
    end = getattr(record, "expires_at", None)
    expires_at = microseconds(end) if end is not None else None
    text = encode(record).decode()
    statements = STATEMENTS[record.kind]
    if part.expected is None:
        values = (record.issuer, record.key, record.revision, expires_at, text)
        return Step(statements.insert, values, record.kind)
    replaced = (record.revision, expires_at, text, record.issuer, record.key, part.expected)
    return Step(statements.replace, replaced, record.kind)


def _counted(part: Consume) -> Step:
    if part.amount < 0:
        return Step(_GIVE_BACK, (part.amount, part.issuer, part.counter))
    if part.amount > part.limit:
        # Not even an unused counter has room: a statement that touches no row.
        return Step("UPDATE counter SET value = value WHERE FALSE", (), part.counter)
    return Step(_COUNT, (part.issuer, part.counter, part.amount, part.limit), part.counter)


def _refuse_misuse(changes: Changes) -> None:
    if any(part.kind == "client" for part in changes.deletions):
        raise ValueError("clients are never removed: their ids stay taken")
    for put in changes.puts:
        if put.expected is not None and put.record.revision <= put.expected:
            raise ValueError("a record is put with a revision above the one it replaces")
