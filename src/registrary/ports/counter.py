"""Counting what happens often, for a log that must not grow with it."""

from typing import Protocol


class Counter(Protocol):
    """Counts by issuer, by whom it is about, and by what happened."""

    def note(self, issuer: str, source: str, what: str) -> None:
        """Count one more of *what* for *source*."""
        ...

    def repeats(self, issuer: str, source: str, what: str) -> bool:
        """Tell whether *what* happened to *source* before in this interval; if so, count it."""
        ...
