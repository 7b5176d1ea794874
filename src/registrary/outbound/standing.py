"""What is known of how quickly hosts answer, so that the slow ones wait for each other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum, auto
from typing import Final

from registrary.outbound.budgets import Memory, Monotonic
from registrary.ports.fetcher import FetchRefused, Refusal

_LATE_KEPT: Final = timedelta(seconds=30)
_PROMPT_KEPT: Final = timedelta(days=1)
_PROMPT_SHARE: Final = 0.4  # of the deadline; a tarpit that answers just in time is late as well
_ANSWERED: Final = frozenset(
    {Refusal.STATUS, Refusal.MEDIA_TYPE, Refusal.ENCODING, Refusal.SIZE, Refusal.CONTENT}
)


class Standing(Enum):
    """How a host answered lately."""

    PROMPT = auto()
    UNKNOWN = auto()
    LATE = auto()


class Standings:
    """Remembers who answered promptly and who kept us waiting.

    A place goes by several names, the narrowest first: its URL, its host, its site. The narrowest
    that is remembered counts, so a slow neighbour spoils nobody who has proved themselves.
    """

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._prompt = Memory(_PROMPT_KEPT, monotonic)
        self._late = Memory(_LATE_KEPT, monotonic)

    def of(self, names: Sequence[str]) -> Standing:
        """Return the standing of the place with these *names*."""
        for name in names:
            if self._late.holds(name):
                return Standing.LATE
            if self._prompt.holds(name):
                return Standing.PROMPT
        return Standing.UNKNOWN

    @contextmanager
    def watch(self, names: Sequence[str], *, deadline: timedelta) -> Iterator[None]:
        """Note how long the fetch inside keeps its turn, and whether an answer comes."""
        begun, has_answered = self._monotonic(), False
        try:
            yield
            has_answered = True
        except FetchRefused as refused:
            has_answered = refused.refusal in _ANSWERED
            raise
        finally:
            if self._monotonic() - begun > _PROMPT_SHARE * deadline.total_seconds():
                self._note_late(names)
            elif has_answered:
                self._note_prompt(names)

    def _note_late(self, names: Sequence[str]) -> None:
        for name in names:
            self._late.note(name)
            self._prompt.forget(name)

    def _note_prompt(self, names: Sequence[str]) -> None:
        # Not the site: a zone would need one good host to have any number of them.
        for name in names[:-1]:
            self._prompt.note(name)
