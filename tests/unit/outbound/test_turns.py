"""Turns, and who waits for whom."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from registrary.outbound.policy import OutboundPolicy
from registrary.outbound.standing import Standing
from registrary.outbound.turns import KeyedTurns, Turns

pytestmark = pytest.mark.anyio

POLICY = replace(
    OutboundPolicy(),
    host_connections=2,
    site_connections=3,
    late_connections=2,
    unproved_connections=4,
    connections=6,
)


async def holders(turns, wishes) -> list[str]:
    """Return which of *wishes*, pairs of host and standing, are let in at once."""
    inside = []

    async def hold(host, standing):
        async with turns.of(host, standing):
            inside.append(host)
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(hold(*wish)) for wish in wishes]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return sorted(inside)


@pytest.mark.parametrize(
    ("wishes", "let_in"),
    [
        ([("a.example", Standing.UNKNOWN)] * 9, 2),
        ([("a.example", Standing.PROMPT)] * 9, 2),
        ([(f"{n}.a.example", Standing.UNKNOWN) for n in range(9)], 3),
        ([(f"{n}.a.example", Standing.PROMPT) for n in range(9)], 3),
        ([(f"{n}.example", Standing.LATE) for n in range(9)], 2),
        ([(f"{n}.example", Standing.UNKNOWN) for n in range(9)], 4),
        ([(f"{n}.example", Standing.PROMPT) for n in range(9)], 6),
    ],
    ids=["host", "prompt host", "site", "prompt site", "late", "unknown", "prompt"],
)
async def test_turns_are_bounded(wishes, let_in):
    """Each bound is the share of the whole that one kind of stranger may have."""
    assert let_in == len(await holders(Turns(POLICY), wishes))


@pytest.mark.parametrize(
    ("crowd", "standing"),
    [
        ([(f"{n}.example", Standing.LATE) for n in range(9)], Standing.UNKNOWN),
        ([(f"{n}.example", Standing.LATE) for n in range(9)], Standing.PROMPT),
        ([(f"{n}.example", Standing.UNKNOWN) for n in range(9)], Standing.PROMPT),
        ([(f"{n}.good.example", Standing.UNKNOWN) for n in range(9)], Standing.PROMPT),
        ([(f"{n}.good.example", Standing.LATE) for n in range(9)], Standing.PROMPT),
    ],
)
async def test_a_crowd_does_not_keep_better_ones_out(crowd, standing):
    """Silent servers are free to put up; key look-ups of clients go on."""
    found = await holders(Turns(POLICY), [*crowd, ("www.good.example", standing)])

    assert "www.good.example" in found


async def test_nothing_is_kept_of_who_left():
    """Strangers choose the hosts, so they must not choose our memory."""
    turns = KeyedTurns(1)
    async with AsyncExitStack() as held:
        await held.enter_async_context(turns.of("a"))
        waiting = asyncio.create_task(turns.take("a"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    assert 0 == len(turns)


async def test_the_next_one_is_let_in():
    """A turn that is given back is not lost."""
    turns = KeyedTurns(1)
    await turns.take("a")
    waiting = asyncio.create_task(turns.take("a"))
    await asyncio.sleep(0)

    before = waiting.done()
    turns.give_back("a")
    await waiting

    assert not before
