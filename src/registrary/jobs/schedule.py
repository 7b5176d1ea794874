"""What runs by the clock."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from registrary.ports.keys import UnsealError
from registrary.ports.store import StoreUnavailable

_log: Final = logging.getLogger("registrary.jobs")


@dataclass(frozen=True, slots=True)
class Job:
    """Something done again and again, *every* so often; one failure does not end it."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]


class Schedule:
    """Runs jobs beside the server, and each once more when it stops."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to run every job."""
        self._tasks = [asyncio.create_task(self._repeat(job), name=job.name) for job in self._jobs]

    async def stop(self) -> None:
        """End the waiting, let each job run a last time, and return when all are done."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for job in self._jobs:
            await _run(job)

    async def _repeat(self, job: Job) -> None:
        while True:
            await asyncio.sleep(job.every.total_seconds())
            # Shielded, so that stopping ends the waiting and never half a run.
            await asyncio.shield(asyncio.ensure_future(_run(job)))


async def _run(job: Job) -> None:
    try:
        await job.run()
    except (StoreUnavailable, UnsealError) as error:
        # One line, no trace: it comes again with every run until the disk has space, or the
        # right keys are back.
        _log.error("job put off: %s: %s", job.name, error)
    except Exception:  # noqa: BLE001 - the boundary of all jobs: the next run may succeed
        _log.exception("job failed: %s", job.name)
