"""Writing in groups: what waits goes to the database together, in as few round trips as it can.

A batch is put into rounds: in one round nobody relies on what another changes. Of a round, those
of one shape are one statement, and the statements of a round run beside each other. A statement
that fails is halved until the one at fault is alone; nothing of a failed statement is stored, so
that is always allowed. What is never done twice is a statement of which nobody knows whether it
was done.
"""

import asyncio
import json
from asyncio import Future, Task
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from asyncpg import exceptions

from registrary.core.changes import NO_LIMIT
from registrary.ports.store import Conflict, StoreUnavailable
from registrary.storage.postgres.connecting import Database
from registrary.storage.postgres.errors import (
    CONFLICT,
    ENTANGLED,
    UNSTORABLE,
    outage,
    state_of,
)
from registrary.storage.postgres.shapes import COUNTER, Shape, statement
from registrary.storage.postgres.work import ChangesWork, Place, bindings, merged
from registrary.storage.shared.gathering import Gathering

_ATTEMPTS: Final = 3  # of a commit that met others who wanted the same in another order
_SETTLED: Final = -2  # no rule: whoever else counts there comes later
_LEAST_SECONDS: Final = 0.05  # what is left to one that waited long


class Job(NamedTuple):
    """Work, the future of the one who waits for it, and until when, by the loop's clock."""

    work: ChangesWork
    waiter: "Future[None]"
    end: float

    def settle(self, outcome: Exception | None) -> None:
        """Tell the waiter, if it is still there."""
        if self.waiter.done():
            return
        if outcome is None:
            self.waiter.set_result(None)
        else:
            self.waiter.set_exception(outcome)


class Round:
    """Jobs that may be written at the same time: none relies on or changes what another changes.

    A job that has to wait for the next round is not overtaken by one that counts by another rule.
    """

    def __init__(self) -> None:
        self.groups: defaultdict[Shape, list[Job]] = defaultdict(list)
        self.alone: list[Job] = []
        self._reads: set[Place] = set()
        self._writes: set[Place] = set()
        self._rules: dict[tuple[str, str], int] = {}

    def takes(self, job: Job) -> bool:
        """Add *job* if it can be written beside the others, and tell whether it was."""
        work, rules = job.work, self._rules
        counts_alike = all(rules.get(place, rule) == rule for place, rule in work.counters.items())
        if not counts_alike or self._meets(work):
            for place, rule in work.counters.items():
                if rules.setdefault(place, rule) != rule:
                    rules[place] = _SETTLED
            return False
        rules |= work.counters
        self._reads |= work.reads
        self._writes |= work.writes
        if work.steps:
            self.alone.append(job)
        else:
            self.groups[work.shape].append(job)
        return True

    def _meets(self, work: ChangesWork) -> bool:
        return not (
            self._writes.isdisjoint(work.writes)
            and self._reads.isdisjoint(work.writes)
            and self._writes.isdisjoint(work.reads)
        )


class Writer:
    """Gathers `Changes` on the event loop, writes them, and wakes those who wait for them.

    A waiter that was cancelled is passed over when the others are woken; its work is written
    all the same.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._gathering: Gathering[Job] = Gathering(self._loop, self._start)
        self._batch: Task[None] | None = None
        self._drained: Future[None] | None = None
        self._is_closed = False

    def write(self, work: ChangesWork) -> "Future[None]":
        """Return the future of *work*: done when it is durable, else failed with the reason."""
        if self._is_closed:
            raise StoreUnavailable(f"{self._database.address}: the store is closed")
        waiter: Future[None] = self._loop.create_future()
        if not work.shape:
            waiter.set_result(None)
            return waiter
        end = self._loop.time() + self._database.options.commit_seconds
        self._gathering.add(Job(work, waiter, end))
        return waiter

    async def close(self) -> None:
        """Refuse further work and write what waits."""
        self._is_closed = True
        if not self._gathering.is_idle:
            self._drained = self._loop.create_future()
            await self._drained

    def _start(self, batch: list[Job]) -> None:
        self._batch = self._loop.create_task(self._write(batch))

    async def _write(self, batch: list[Job]) -> None:
        try:
            await self._write_rounds(batch)
        except Exception as error:  # noqa: BLE001 - raised again to everyone who waits
            for job in batch:
                job.settle(error)
        self._gathering.written(len(batch))
        self._database.note_batch(len(batch))
        if self._drained is not None and self._gathering.is_idle and not self._drained.done():
            self._drained.set_result(None)

    async def _write_rounds(self, batch: list[Job]) -> None:
        waiting = batch
        while waiting:
            step = Round()
            put_off = [job for job in waiting if not step.takes(job)]
            await self._write_round(step)
            waiting = put_off

    async def _write_round(self, step: Round) -> None:
        acts = [self._write_group(shape, jobs) for shape, jobs in step.groups.items()]
        acts += [self._write_steps(job) for job in step.alone]
        if len(acts) == 1:
            await acts[0]
        else:
            await asyncio.gather(*acts)

    async def _write_group(self, shape: Shape, jobs: Sequence[Job]) -> None:
        """Write *jobs* in one statement, or each half in one where that fails."""
        outcome = await self._store(shape, jobs)
        if len(jobs) == 1 or outcome is None or isinstance(outcome, StoreUnavailable):
            for job in jobs:
                job.settle(outcome)
            return
        middle = len(jobs) // 2
        await self._write_group(shape, jobs[:middle])
        await self._write_group(shape, jobs[middle:])

    async def _store(self, shape: Shape, jobs: Sequence[Job]) -> Exception | None:
        works = [job.work for job in jobs]
        bound = bindings(shape, merged(works))
        for attempt in range(_ATTEMPTS):
            try:
                await self._database.commit(statement(shape).sql, bound, end=self._end_of(jobs))
            except Exception as error:  # noqa: BLE001 - the outcome of those who wait
                is_entangled = state_of(error) in ENTANGLED
                if is_entangled and len(jobs) == 1 and attempt + 1 < _ATTEMPTS:
                    continue
                return self._outcome(error, works[0])
            return None
        return None

    async def _write_steps(self, job: Job) -> None:
        """Write the rows of one job one after another in a transaction."""
        end = self._end_of([job])
        try:
            await self._database.demand_flow(end=end)
            async with self._database.line(end=end) as line:
                line.doubt = None
                async with line.connection.transaction():
                    for part, row in job.work.steps:
                        bound = bindings((part,), {part: [row]})
                        await line.connection.fetch(statement((part,)).sql, *bound)
                self._database.trust(line)
        except Exception as error:  # noqa: BLE001 - the outcome of the one who waits
            job.settle(self._outcome(error, job.work))
        else:
            job.settle(None)

    def _end_of(self, jobs: Sequence[Job]) -> float:
        """Return when the first of *jobs* gives up; each has a moment left at least."""
        return max(min(job.end for job in jobs), self._loop.time() + _LEAST_SECONDS)

    def _outcome(self, error: Exception, work: ChangesWork) -> Exception:
        state = state_of(error)
        if state in ENTANGLED:
            return Conflict(work.shape[0].table)
        if state == CONFLICT and isinstance(error, exceptions.PostgresError):
            return Conflict(_what(error, work))
        if state == UNSTORABLE:
            return ValueError("a key cannot be stored that holds U+0000")
        return outage(error, str(self._database.address)) or error


def _what(error: exceptions.PostgresError, work: ChangesWork) -> str:
    """Return what a conflict is about: a kind, or the first counter that was used up."""
    name = str(error.args[0])
    if name != COUNTER:
        return name
    consumed = set(json.loads(getattr(error, "detail", None) or "[]"))
    missing = (
        part.counter
        for part in work.consumptions
        if part.amount > 0 and part.limit != NO_LIMIT
        if f"{part.issuer} {part.counter}" not in consumed
    )
    return next(missing, name)
