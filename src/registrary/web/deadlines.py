"""The deadlines of one connection, watched by one timer."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import Final

from registrary.web.limits import HttpLimits

_CLOSEST: Final = 0.001  # seconds between two looks, so that a clock standing still is no busy loop


class Deadlines:
    """Three moments of the loop's clock after which somebody has waited long enough.

    *read* is for what the caller sends, *answer* for the endpoint that works, *drain* for a caller
    who does not take what he is sent; each is infinite while nobody waits. Moving one is an
    assignment and costs no timer: the timer looks at least as often as the shortest limit, and no
    deadline is set closer than that, so none is overslept.
    """

    __slots__ = ("_interval", "_loop", "_on_look", "_timer", "answer", "drain", "read")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, limits: HttpLimits, on_look: Callable[[float], None]
    ) -> None:
        """Call *on_look* with the time whenever one may have passed."""
        self.read = self.answer = self.drain = inf
        self._loop = loop
        self._on_look = on_look
        self._interval = min(
            limits.header_seconds, limits.body_seconds, limits.answer_seconds, limits.idle_seconds
        )
        self._timer = loop.call_later(self._interval, self._look)

    def read_within(self, seconds: float) -> None:
        """Set *read* closer than limits are."""
        self.read = self._loop.time() + seconds
        self._timer.cancel()
        self._timer = self._loop.call_at(self.read, self._look)

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        self._on_look(now)
        soonest = min(self.read, self.answer, self.drain, now + self._interval)
        self._timer = self._loop.call_at(max(soonest, now + _CLOSEST), self._look)
