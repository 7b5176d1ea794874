"""One transaction on the file, and the two ways in which a batch goes through it.

Together: no savepoints, and the rows of the whole batch are inserted by a few statements at
its end. That is half the work, and right as long as nothing has to be undone. One by one:
each piece of work in a savepoint of its own. The first way notices when it does not suffice
and leaves the batch to the second.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, Final, Protocol

import apsw

from registrary.core.changes import NO_LIMIT, Consume
from registrary.ports.store import Conflict
from registrary.storage.shared.statements import statements
from registrary.storage.sqlite.tables import Row, Table

_LOG: Final = statements(__package__, "log")
_APPEND: Final = _LOG["append"]
_CONSUME: Final = statements(__package__, "counters")["consume"]
_NUMBER_SHIFT: Final = 40


class Entangled(Exception):
    """Something in the batch must be undone alone; the whole of it has to be tried again."""


class Transaction:
    """What a piece of work may do between BEGIN and COMMIT, each statement at once."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._ends: dict[str, int] = {}
        self.wrote = False

    def rows(self, sql: str, bindings: Row) -> list[tuple[Any, ...]]:
        """Return all rows of a statement. Any: the caller knows what it selected."""
        return self._execute(sql, bindings).fetchall()

    def change(self, sql: str, bindings: Row) -> int:
        """Run a statement that writes and return how many rows it changed."""
        self._execute(sql, bindings)
        changed = self._connection.changes()
        self.wrote = self.wrote or changed > 0
        return changed

    def consume(self, part: Consume) -> None:
        """Add to a counter; raises `Conflict` when that would take it past its limit."""
        row = (part.issuer, part.counter, part.amount, part.limit)
        if not self.change(_CONSUME, row):
            raise Conflict(part.counter)

    def insert(self, table: Table, row: Row) -> None:
        """Insert a record; raises `Conflict`, now or when all is done, if its key is taken."""
        if not self.change(table.insert, row):
            raise Conflict(table.kind)

    def log(self, issuer: str, row: Row) -> None:
        """Append an event to the log of *issuer*; raises `Conflict` if its id is taken.

        *row* is all that the statement binds but the place, which is given here.
        """
        end = self._end_of(issuer)
        if not self.change(_APPEND, (*row, end)):
            raise Conflict("event")
        self._ends[issuer] = end + 1

    def log_size(self, issuer: str) -> int:
        """Return how many leaves the log of *issuer* has; the log is started if there is none."""
        self._end_of(issuer)
        return int(self.rows(_LOG["size"], (issuer,))[0][0])

    def forget(self) -> None:
        """Look everything up again: a savepoint was rolled back."""
        self._ends.clear()

    def _end_of(self, issuer: str) -> int:
        """Return the sequence that the next event of *issuer* gets."""
        end = self._ends.get(issuer)
        if end is not None:
            return end
        head = self.rows(_LOG["head"], (issuer,))
        if not head:
            self.change(_LOG["start"], (issuer,))
            head = self.rows(_LOG["head"], (issuer,))
        number, _, last = head[0]
        first = int(number) << _NUMBER_SHIFT
        self._ends[issuer] = first if last is None else int(last) + 1
        return self._ends[issuer]


class TogetherTransaction(Transaction):
    """Inserts wait for `flush`, where they go in table by table.

    That changes the order inside a batch, and only of inserts against the conditions of other
    work in it. No order was promised between them: nobody has been told yet that any of it is
    stored, and a condition on a record that is only now being inserted cannot hold.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__(connection)
        self._inserts: defaultdict[str, list[Row]] = defaultdict(list)
        self._events: list[Row] = []
        self._counts: Counter[tuple[str, str]] = Counter()

    def consume(self, part: Consume) -> None:
        """Add to a counter; what only counts is added when all is done, or before it matters."""
        place = part.issuer, part.counter
        if part.limit == NO_LIMIT and part.amount > 0:
            self._counts[place] += part.amount
            self.wrote = True
            return
        self._add_up(*place)
        super().consume(part)

    def _add_up(self, issuer: str, counter: str) -> None:
        amount = self._counts.pop((issuer, counter), 0)
        if amount:
            super().consume(Consume(issuer, counter, NO_LIMIT, amount))

    def insert(self, table: Table, row: Row) -> None:
        """Insert a record when all is done."""
        self._inserts[table.insert].append(row)

    def log(self, issuer: str, row: Row) -> None:
        """Append an event to the log of *issuer* when all is done; its place is taken now."""
        end = self._ends.get(issuer)
        if end is None:
            end = self._end_of(issuer)
        self._events.append((*row, end))
        self._ends[issuer] = end + 1

    def flush(self) -> None:
        """Insert and count what waits; raises `Entangled` when a key is taken."""
        for place in tuple(self._counts):
            self._add_up(*place)
        for sql, rows in self._inserts.items():
            self._insert_all(sql, rows)
        if self._events:
            self._insert_all(_APPEND, self._events)

    def _insert_all(self, sql: str, rows: list[Row]) -> None:
        before = self._connection.total_changes()
        self._connection.executemany(sql, rows)
        if self._connection.total_changes() - before != len(rows):
            raise Entangled


class Work(Protocol):
    """Something to be written, all of it or nothing."""

    def apply(self, transaction: Transaction) -> None:
        """Check, then change, then insert; raises `Conflict` when a condition does not hold."""
        ...


Outcome = Exception | None


def write_together(connection: apsw.Connection, batch: Iterable[Work]) -> list[Outcome]:
    """Apply *batch* without savepoints; the caller commits.

    Raises `Entangled` when one of them conflicts after it wrote, and any error as it comes.
    """
    transaction = TogetherTransaction(connection)
    outcomes: list[Outcome] = []
    for work in batch:
        transaction.wrote = False
        try:
            work.apply(transaction)
        except Conflict as conflict:
            if transaction.wrote:
                raise Entangled from conflict
            outcomes.append(conflict)
        else:
            outcomes.append(None)
    transaction.flush()
    return outcomes


def write_one_by_one(
    connection: apsw.Connection, batch: Iterable[Work], outages: tuple[type[apsw.Error], ...]
) -> list[Outcome]:
    """Apply each of *batch* in a savepoint; the caller commits.

    What is wrong with one of them is its outcome; *outages* concern all and are raised.
    """
    transaction = Transaction(connection)
    outcomes: list[Outcome] = []
    for work in batch:
        connection.execute("SAVEPOINT work")
        outcome: Outcome = None
        try:
            work.apply(transaction)
        except outages:
            raise
        except Exception as error:  # noqa: BLE001 - raised again to the one who asked for it
            connection.execute("ROLLBACK TO work")
            transaction.forget()
            outcome = error
        connection.execute("RELEASE work")
        outcomes.append(outcome)
    return outcomes
