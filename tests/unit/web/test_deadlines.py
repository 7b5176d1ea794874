import asyncio
from dataclasses import replace

import pytest

from registrary.web.deadlines import Deadlines
from tests.unit.web.kit import PATIENT, SOON, eventually

RESOLUTION = 0.001  # seconds

pytestmark = pytest.mark.anyio


async def test_a_deadline_set_at_any_moment_is_not_overslept():
    """The timer is older than the deadline: it must still come in time."""
    loop = asyncio.get_running_loop()
    looks: list[float] = []
    limits = replace(PATIENT, body_seconds=SOON)
    deadlines = Deadlines(loop, limits, looks.append)

    await asyncio.sleep(SOON / 2)
    deadlines.read = due = loop.time() + SOON
    await eventually(lambda: any(look >= due for look in looks))
    deadlines.stop()

    assert due <= looks[-1]


async def test_a_closer_deadline_wakes_the_timer():
    """A refused caller is waited for a shorter time than any limit."""
    loop = asyncio.get_running_loop()
    looks: list[float] = []
    deadlines = Deadlines(loop, PATIENT, looks.append)

    deadlines.read_within(SOON)
    due = deadlines.read
    await eventually(lambda: bool(looks))
    deadlines.stop()

    # A loop takes what is due within the resolution of its clock for due.
    assert due - RESOLUTION <= looks[0]


async def test_a_stopped_timer_looks_no_more():
    """A lost connection has no deadlines."""
    looks: list[float] = []
    deadlines = Deadlines(asyncio.get_running_loop(), PATIENT, looks.append)

    deadlines.read_within(SOON / 10)
    deadlines.stop()
    await asyncio.sleep(SOON / 2)

    assert [] == looks
