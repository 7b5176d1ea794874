"""Work that arrives together is written together, and who comes alone does not wait."""

import asyncio
from collections.abc import Callable

import pytest

from registrary.storage.shared.gathering import BATCH_LIMIT, PATIENCE, Gathering


class HandLoop:
    """An event loop that turns when told to, as far as `Gathering` uses one."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []
        self.timers: list[tuple[float, Callable[[], object], Timer]] = []

    def call_soon(self, act: Callable[[], object]) -> None:
        self.soon.append(act)

    def call_later(self, delay: float, act: Callable[[], object]) -> "Timer":
        timer = Timer()
        self.timers.append((delay, act, timer))
        return timer

    def turn(self) -> None:
        due, self.soon = self.soon, []
        for act in due:
            act()

    def fire(self) -> None:
        due, self.timers = self.timers, []
        for _, act, timer in due:
            if not timer.is_cancelled:
                act()


class Timer:
    is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Scene:
    """A gathering, its loop, and the batches that were handed over."""

    def __init__(self) -> None:
        self.loop = HandLoop()
        self.batches: list[list[int]] = []
        self.gathering: Gathering[int] = Gathering(
            self.loop,  # type: ignore[arg-type]  # the two methods it calls are there
            self.batches.append,
        )

    def add(self, *works: int) -> None:
        for work in works:
            self.gathering.add(work)

    def write(self, *works: int) -> None:
        """Take *works* through a whole batch, so that as many are expected next time."""
        self.add(*works)
        self.loop.turn()
        self.loop.fire()
        while self.loop.soon:
            self.loop.turn()
        self.gathering.written(len(works))


@pytest.fixture
def scene() -> Scene:
    """Set the scene for one test."""
    return Scene()


def test_who_comes_alone_goes_at_the_loops_next_turn(scene):
    """A single registration on a quiet server is not slowed by those who might come."""
    scene.add(1)
    scene.loop.turn()

    assert [[1]] == scene.batches
    assert [] == scene.loop.timers


def test_what_the_loop_reads_meanwhile_comes_along(scene):
    """Requests that arrived with it share its commit."""
    scene.add(1)
    scene.add(2)
    scene.loop.turn()
    scene.add(3)
    scene.loop.turn()
    scene.loop.turn()

    assert [[1, 2, 3]] == scene.batches


def test_those_who_were_here_last_time_are_waited_for(scene):
    """Sixteen connections that all registered will all register again."""
    scene.write(1, 2, 3)

    scene.add(4, 5)
    scene.loop.turn()
    assert [[1, 2, 3]] == scene.batches
    scene.add(6)
    scene.loop.turn()

    assert [[1, 2, 3], [4, 5, 6]] == scene.batches


def test_nobody_is_waited_for_longer_than_patience(scene):
    """Clients that stop must not keep the last one waiting."""
    scene.write(1, 2, 3)

    scene.add(4)
    delays = [delay for delay, _, _ in scene.loop.timers]
    scene.loop.fire()
    scene.loop.turn()

    assert [PATIENCE] == delays
    assert [[1, 2, 3], [4]] == scene.batches


def test_those_who_stay_away_are_forgotten(scene):
    """After a rush, a lone client waits a few times at most."""
    scene.write(*range(64))

    for work in range(7):
        scene.write(work)
    scene.add(99)
    scene.loop.turn()

    assert [99] == scene.batches[-1]


def test_one_batch_is_written_at_a_time(scene):
    """The order of commits is the order of batches; what comes meanwhile is the next."""
    scene.add(1)
    scene.loop.turn()

    scene.add(2, 3)
    scene.loop.turn()
    scene.loop.fire()
    assert [[1]] == scene.batches
    assert not scene.gathering.is_idle
    scene.gathering.written(1)
    scene.loop.fire()
    scene.loop.turn()
    assert [[1]] == scene.batches[:1]
    while len(scene.batches) == 1:
        scene.loop.fire()
        scene.loop.turn()

    assert [[1], [2, 3]] == scene.batches
    scene.gathering.written(2)
    assert scene.gathering.is_idle


def test_a_batch_has_a_limit(scene):
    """A flood is written in portions, so that nobody waits for all of it."""
    works = list(range(BATCH_LIMIT + 5))

    scene.add(*works)
    scene.loop.turn()
    scene.gathering.written(BATCH_LIMIT)
    scene.loop.fire()
    scene.loop.turn()

    assert [works[:BATCH_LIMIT], works[BATCH_LIMIT:]] == scene.batches


@pytest.mark.anyio
async def test_a_real_loop_hands_over_too():
    """The loop of the tests above is only as good as its likeness."""
    handed: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
    gathering: Gathering[int] = Gathering(asyncio.get_running_loop(), handed.set_result)

    for work in range(3):
        gathering.add(work)

    assert [0, 1, 2] == await asyncio.wait_for(handed, 5)
