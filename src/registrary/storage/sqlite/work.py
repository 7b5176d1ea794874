"""`Changes` and `Sequencing` as work for the writer."""

from typing import Final

from registrary.audit.record import Record as LogRecord
from registrary.audit.record import event_id_text, record_of
from registrary.core.changes import Changes, Delete, Put, Record, Unchanged
from registrary.ports.audit_log import Sequencing
from registrary.ports.store import Conflict
from registrary.storage.shared.statements import statements
from registrary.storage.shared.times import microseconds
from registrary.storage.sqlite.tables import BY_KIND, Row, Table
from registrary.storage.sqlite.transaction import Transaction

_LOG: Final = statements(__package__, "log")


class ChangesWork:
    """One `Changes`, encoded: made on the event loop, where misuse is told to who is at it."""

    __slots__ = ("changes", "consumptions", "demands", "events", "inserts")

    def __init__(self, changes: Changes) -> None:
        # What each statement binds, and what a row that is not found or not changed conflicts in.
        self.demands = [_demand(part) for part in changes.unchanged]
        self.consumptions = changes.consumptions
        self.changes = [_replacement(put) for put in changes.puts if put.expected is not None]
        self.changes += [_deletion(part) for part in changes.deletions]
        self.inserts = [_insertion(put.record) for put in changes.puts if put.expected is None]
        self.events = [(event.issuer, _event_row(record_of(event))) for event in changes.events]

    def apply(self, transaction: Transaction) -> None:
        """Check, change, insert; inserts come last because they seldom conflict."""
        for sql, row, what in self.demands:
            if not transaction.rows(sql, row):
                raise Conflict(what)
        for consumption in self.consumptions:
            transaction.consume(consumption)
        for sql, row, may_conflict_in in self.changes:
            if not transaction.change(sql, row) and may_conflict_in is not None:
                raise Conflict(may_conflict_in)
        for table, row in self.inserts:
            transaction.insert(table, row)
        for issuer, row in self.events:
            transaction.log(issuer, row)


def _demand(part: Unchanged) -> tuple[str, Row, str]:
    return BY_KIND[part.kind].sql["demand"], (part.issuer, part.key, part.revision), part.kind


def _replacement(put: Put) -> tuple[str, Row, str | None]:
    table, expected = BY_KIND[put.record.kind], put.expected
    if expected is not None and put.record.revision <= expected:
        raise ValueError("a record is put with a revision above the one it replaces")
    return table.sql["replace"], (*table.row(put.record), expected), table.kind


def _deletion(part: Delete) -> tuple[str, Row, str | None]:
    table = BY_KIND[part.kind]
    if table.stays:
        raise ValueError("clients are never removed: their ids stay taken")
    return table.sql["delete"], (part.issuer, part.key), None


def _insertion(record: Record) -> tuple[Table, Row]:
    table = BY_KIND[record.kind]
    return table, table.row(record)


def _event_row(record: LogRecord) -> Row:
    return (
        record.issuer,
        record.event_id,
        microseconds(record.time),
        record.client_id,
        record.body,
        record.salt,
        record.leaf_hash,
    )


class SequencingWork:
    """One `Sequencing`."""

    __slots__ = ("sequencing",)

    def __init__(self, sequencing: Sequencing) -> None:
        self.sequencing = sequencing

    def apply(self, transaction: Transaction) -> None:
        """Check that nobody else was here, then keep checkpoint, tiles and size."""
        step = self.sequencing
        issuer, size = step.issuer, step.size + len(step.event_ids)
        if transaction.log_size(issuer) != step.size:
            raise Conflict("event_log")
        due = transaction.rows(_LOG["waiting"], (issuer, len(step.event_ids)))
        if tuple(event_id_text(row[0]) for row in due) != step.event_ids:
            raise Conflict("event_log")
        if step.checkpoint is not None and not transaction.change(
            _LOG["keep_checkpoint"], (issuer, size, step.checkpoint)
        ):
            raise Conflict("checkpoint")
        for tile in step.tiles:
            transaction.change(_LOG["keep_tile"], (issuer, tile.level, tile.index, tile.hashes))
        transaction.change(_LOG["grow"], (issuer, size))
