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


class Schedule:
    """Runs jobs beside the server, and each once more when it stops."""

    def __init__(self, jobs: Sequence[Job], leadership: Leadership | None = None) -> None:
        self._jobs = jobs
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
                await _run(job, job.last or job.run)

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
        run = asyncio.create_task(_run(job, job.run))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        await asyncio.shield(run)

    def _is_ours(self, job: Job) -> bool:
        return not job.single or self._leadership.leads()


async def _run(job: Job, act: Callable[[], Awaitable[None]]) -> None:
    try:
        await act()
    except (StoreUnavailable, UnsealError) as error:
        # One line, no trace: it comes again with every run until the disk has space, or the
        # right keys are back.
        _log.error("job put off: %s: %s", job.name, error)
    except Exception:  # noqa: BLE001 - the boundary of all jobs: the next run may succeed
        _log.exception("job failed: %s", job.name)
