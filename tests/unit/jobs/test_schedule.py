"""Timed work goes on beside the server, whatever happens to one run of it."""

import asyncio
import logging
from datetime import timedelta

import pytest

from registrary.jobs.schedule import Job, Schedule
from registrary.ports.keys import UnsealError
from registrary.ports.store import StoreUnavailable

pytestmark = pytest.mark.anyio

SOON, NEVER = timedelta(milliseconds=1), timedelta(days=1)


class Office:
    """A leadership that a test gives and takes."""

    def __init__(self, *, leads: bool):
        self.is_held = leads

    def leads(self) -> bool:
        """Say what the test said."""
        return self.is_held


class Work:
    """Something to do, that says how often it was done; *failures* are raised first."""

    def __init__(self, *failures: Exception):
        self.failures = list(failures)
        self.runs = 0
        self.reached = asyncio.Event()

    async def __call__(self) -> None:
        """Do it once."""
        self.runs += 1
        if self.failures:
            raise self.failures.pop(0)
        self.reached.set()

    async def done(self) -> None:
        """Wait until it was done without failing."""
        await asyncio.wait_for(self.reached.wait(), 30)


async def test_a_job_is_done_again_and_again():
    """A log that is sequenced once is no log."""
    work = Work(ValueError("first"), ValueError("second"))
    schedule = Schedule([Job("work", SOON, work)])

    schedule.start()
    await work.done()
    await schedule.stop()

    assert work.runs > 3


async def test_one_that_fails_does_not_keep_the_others_from_running():
    """A sweep that cannot read is no reason to stop the sequencer."""
    bad, good = Work(*[ValueError()] * 1000), Work()
    schedule = Schedule([Job("bad", SOON, bad), Job("good", SOON, good)])

    schedule.start()
    await good.done()
    await schedule.stop()

    assert bad.runs > 1


@pytest.mark.parametrize(
    ("at_once", "expected"), [(True, 2), (False, 1)], ids=["at-once", "after-a-while"]
)
async def test_a_job_waits_first_unless_told_not_to(at_once, expected):
    """What a log should begin with cannot wait for a timer."""
    work = Work()
    schedule = Schedule([Job("work", NEVER, work, at_once=at_once)])

    schedule.start()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await schedule.stop()

    assert expected == work.runs


async def test_every_job_is_done_a_last_time_in_order():
    """What the others write at the end, the sequencer still puts into the log."""
    seen: list[str] = []

    def noting(name: str):
        async def note() -> None:
            seen.append(name)

        return note

    schedule = Schedule(
        [
            Job("one", NEVER, noting("one")),
            Job("two", NEVER, noting("two"), last=noting("two ends")),
            Job("three", NEVER, noting("three")),
        ]
    )

    schedule.start()
    await schedule.stop()

    assert ["one", "two ends", "three"] == seen


async def test_stopping_waits_for_a_run_under_way():
    """Cut off, it would go on over a store that is closed."""
    begun, may_end = asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    async def slow() -> None:
        if ended:
            return
        begun.set()
        await may_end.wait()
        ended.append("whole")

    schedule = Schedule([Job("slow", SOON, slow)])
    schedule.start()
    await begun.wait()
    stopping = asyncio.create_task(schedule.stop())
    await asyncio.sleep(0.01)
    was_waiting = not stopping.done()
    may_end.set()
    await stopping

    assert was_waiting
    assert ["whole"] == ended


@pytest.mark.parametrize(
    ("error", "is_traced"),
    [
        (StoreUnavailable("the disk is full"), False),
        (UnsealError("a key is not at hand"), False),
        (ValueError("a mistake of ours"), True),
    ],
    ids=["store", "keys", "bug"],
)
async def test_an_outage_is_one_line_and_a_bug_has_its_trace(error, is_traced, caplog):
    """An outage comes again twice a second; where a bug is only the trace knows."""
    work = Work(error)
    with caplog.at_level(logging.ERROR, "registrary.jobs"):
        schedule = Schedule([Job("work", SOON, work)])
        schedule.start()
        await work.done()
        await schedule.stop()

    [line] = caplog.records
    assert is_traced == (line.exc_info is not None)
    assert "work" in line.getMessage()


async def test_an_outage_is_told_once_and_its_end_too(caplog):
    """Four lines a second bury what else goes wrong, and fill a disk that is nearly full."""
    outages = [StoreUnavailable("no route")] * 50 + [StoreUnavailable("starting up")] * 50
    work = Work(*outages)
    failed: list[str] = []
    with caplog.at_level(logging.WARNING, "registrary.jobs"):
        schedule = Schedule([Job("work", SOON, work)], note_failure=failed.append)
        schedule.start()
        await work.done()
        await schedule.stop()

    assert [
        "job put off: work: no route",
        "job put off: work: starting up",
        "job goes on: work",
    ] == [line.getMessage() for line in caplog.records]
    assert ["work"] * 100 == failed


async def test_what_one_does_for_all_is_left_to_the_leader():
    """Three nodes that sequence one log would do the work of two for nothing."""
    single, own, office = Work(), Work(), Office(leads=False)
    jobs = [Job("single", SOON, single, single=True), Job("own", SOON, own)]
    schedule = Schedule(jobs, office)

    schedule.start()
    await own.done()
    await schedule.stop()

    assert 0 == single.runs


async def test_who_comes_to_lead_does_the_work_from_then_on():
    """The log goes on when the node that kept it is gone."""
    single, own, office = Work(), Work(), Office(leads=False)
    jobs = [Job("single", SOON, single, single=True), Job("own", SOON, own)]
    schedule = Schedule(jobs, office)

    schedule.start()
    await own.done()
    office.is_held = True
    await single.done()
    await schedule.stop()

    assert single.runs > 1


async def test_the_leader_does_it_a_last_time():
    """What it wrote at its end is in the log when all nodes stop together."""
    single = Work()
    schedule = Schedule([Job("single", NEVER, single, single=True)], Office(leads=True))

    schedule.start()
    await schedule.stop()

    assert 1 == single.runs
