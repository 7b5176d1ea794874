"""What runs by the clock."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from registrary.ports.keys import UnsealError
from registrary.ports.leadership import EverybodyLeads, Leadership
from registrary.ports.store import StoreUnavailable

_log: Final = logging.getLogger("registrary.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """Something done again and again, *every* so often; one failure does not end it.

    *at_once* also as soon as the schedule starts. When it stops, *last* is done, or with None
    the same once more. A *single* one is done where this process leads, and left to the leader
    where it does not.
    """

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]
    at_once: bool = False
    last: Callable[[], Awaitable[None]] | None = None
    single: bool = False


def _unnoted(name: str) -> None:
    """Nobody counts the failures of *name*."""
    del name


class Schedule:
    """Runs jobs beside the server, and each once more when it stops."""

    def __init__(
        self,
        jobs: Sequence[Job],
        leadership: Leadership | None = None,
        *,
        note_failure: Callable[[str], None] = _unnoted,
    ) -> None:
        self._jobs = jobs
        self._note_failure = note_failure
        self._put_off: dict[str, str] = {}  # by job: what operators were told keeps it from running
        self._leadership = leadership or EverybodyLeads()
        self._tasks: list[asyncio.Task[None]] = []
        self._runs: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to run every job."""
        self._tasks = [asyncio.create_task(self._repeat(job), name=job.name) for job in self._jobs]

    async def stop(self) -> None:
        """End the waiting, let each job run a last time, and return when all are done."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._runs, return_exceptions=True)
        for job in self._jobs:
            if self._is_ours(job):
                await self._run(job, job.last or job.run)

    async def _repeat(self, job: Job) -> None:
        if job.at_once:
            await self._once(job)
        while True:
            await asyncio.sleep(job.every.total_seconds())
            await self._once(job)

    async def _once(self, job: Job) -> None:
        """Run *job* shielded: stopping ends the waiting, and never half a run."""
        if not self._is_ours(job):
            return
        run = asyncio.create_task(self._run(job, job.run))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        await asyncio.shield(run)

    def _is_ours(self, job: Job) -> bool:
        return not job.single or self._leadership.leads()

    async def _run(self, job: Job, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except (StoreUnavailable, UnsealError) as error:
            self._note_failure(job.name)
            self._tell_put_off(job, str(error))
        except Exception:  # noqa: BLE001 - the boundary of all jobs: the next run may succeed
            self._note_failure(job.name)
            _log.exception("job failed: %s", job.name)
        else:
            if self._put_off.pop(job.name, None) is not None:
                _log.warning("job goes on: %s", job.name)

    def _tell_put_off(self, job: Job, why: str) -> None:
        """Write one line, no trace, and the next when something else is in the way.

        Runs come several times a second, until the disk has space or the database is back.
        """
        if self._put_off.get(job.name) != why:
            self._put_off[job.name] = why
            _log.error("job put off: %s: %s", job.name, why)
