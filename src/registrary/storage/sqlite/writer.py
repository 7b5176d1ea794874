"""The one thread of a process that writes: waiting changes go into one COMMIT together."""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import apsw

from registrary.ports.store import Conflict, StoreUnavailable
from registrary.storage.sqlite.plan import Step

BATCH: Final = 256  # changes in one COMMIT


@dataclass(slots=True, eq=False)
class Waiting:
    """Changes on their way to the disk, and who waits for them."""

    steps: Sequence[Step]
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[None]"
    failure: Exception | None = None


class Writer:
    """Owns the writing connection. Use `submit` from any event loop."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._queue: deque[Waiting] = deque()
        self._wake = threading.Semaphore(0)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, steps: Sequence[Step]) -> "asyncio.Future[None]":
        """Queue *steps* to be written together; the future tells what came of them."""
        if self._closing:
            raise StoreUnavailable("the store is closed")
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._queue.append(Waiting(steps, loop, done))
        self._wake.release()
        return done

    async def close(self) -> None:
        """Write what waits and end the thread."""
        if not self._closing:
            self._closing = True
            self._wake.release()
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _run(self) -> None:
        while True:
            self._wake.acquire()
            batch = self._take()
            if batch:
                self._write(batch)
                _tell(batch)
            elif self._closing:
                return

    def _take(self) -> list[Waiting]:
        queue = self._queue
        return [queue.popleft() for _ in range(min(len(queue), BATCH))]

    def _write(self, batch: list[Waiting]) -> None:
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
            for waiting in batch:
                self._apply(waiting)
            self._cursor.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            self._roll_back()
            failure = _as_failure(error)
            for waiting in batch:
                waiting.failure = waiting.failure or failure

    def _apply(self, waiting: Waiting) -> None:
        """Write one value within the batch, or none of it when a part of it conflicts."""
        execute = self._cursor.execute
        execute("SAVEPOINT one")
        try:
            for step in waiting.steps:
                self._take_step(step)
        except (Conflict, apsw.ConstraintError) as error:
            execute("ROLLBACK TO one")
            is_conflict = isinstance(error, Conflict)
            waiting.failure = error if is_conflict else Conflict("event")
        execute("RELEASE one")

    def _take_step(self, step: Step) -> None:
        found = self._cursor.execute(step.statement, step.values)
        if step.conflict is None:
            return
        touched = bool(found.fetchall()) if step.is_query else self._connection.changes() > 0
        if not touched:
            raise Conflict(step.conflict)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._cursor.execute("ROLLBACK")


def _as_failure(error: Exception) -> Exception:
    if isinstance(error, apsw.Error):
        return StoreUnavailable(f"{type(error).__name__}: {error}")
    return error


def _tell(batch: list[Waiting]) -> None:
    """Wake everybody in *batch*, with one call for each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Waiting]] = {}
    for waiting in batch:
        by_loop.setdefault(waiting.loop, []).append(waiting)
    for loop, theirs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, theirs)


def _settle(batch: list[Waiting]) -> None:
    for waiting in batch:
        if waiting.done.done():
            continue  # whoever waited has gone; what was written stays written
        if waiting.failure is None:
            waiting.done.set_result(None)
        else:
            waiting.done.set_exception(waiting.failure)
