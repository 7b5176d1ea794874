"""When the work that waits goes to the disk together.

A commit costs about as much for sixteen as for one, so it pays to let those in flight arrive
first. How many that will be is known from last time: as many as were written, and as many as
had come meanwhile. They are waited for, but not for long; and who comes alone is not kept
waiting.
"""

from asyncio import AbstractEventLoop, Handle
from collections.abc import Callable
from enum import Enum, auto
from typing import Final, Generic, TypeVar

T = TypeVar("T")

PATIENCE: Final = 0.001  # seconds to wait for those who were here last time
BATCH_LIMIT: Final = 512  # pieces of work in one commit


class _Phase(Enum):
    """What the next batch is waiting for."""

    WORK = auto()
    COMPANY = auto()
    QUIET = auto()
    DISK = auto()


class Gathering(Generic[T]):
    """Gathers work on the event loop and calls *hand_over* with a batch, one at a time."""

    def __init__(self, loop: AbstractEventLoop, hand_over: Callable[[list[T]], object]) -> None:
        self._loop = loop
        self._hand_over = hand_over
        self._waiting: list[T] = []
        self._phase = _Phase.WORK
        self._seen = 0
        self._expected = 1
        self._timer: Handle | None = None

    def add(self, work: T) -> None:
        """Take *work* into the next batch."""
        self._waiting.append(work)
        if self._phase is _Phase.WORK or self._phase is _Phase.COMPANY:
            self._consider()

    def written(self, count: int) -> None:
        """Go on after a batch of *count*, which was written or failed."""
        arrived = len(self._waiting)
        self._expected = min(max(count + arrived, self._expected // 2), BATCH_LIMIT)
        self._phase = _Phase.WORK
        if arrived:
            self._consider()

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing waits and nothing is being written."""
        return self._phase is _Phase.WORK

    def _consider(self) -> None:
        if len(self._waiting) >= self._expected:
            self._listen()
        elif self._phase is _Phase.WORK:
            self._phase = _Phase.COMPANY
            self._timer = self._loop.call_later(PATIENCE, self._listen)

    def _listen(self) -> None:
        """Let the loop read once more what has arrived, again and again while it brings work."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._phase = _Phase.QUIET
        self._seen = len(self._waiting)
        self._loop.call_soon(self._go_when_quiet)

    def _go_when_quiet(self) -> None:
        if self._seen < len(self._waiting) < BATCH_LIMIT:
            self._listen()
            return
        self._phase = _Phase.DISK
        batch, self._waiting = self._waiting[:BATCH_LIMIT], self._waiting[BATCH_LIMIT:]
        self._hand_over(batch)
