"""Time and randomness, as use cases ask for them."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the current time, aware and in UTC."""
        ...


class Entropy(Protocol):
    """Gives random bytes that nobody can predict."""

    def token_bytes(self, count: int) -> bytes:
        """Return *count* random bytes."""
        ...
