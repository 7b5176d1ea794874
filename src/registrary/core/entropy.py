"""Randomness as a value: drawn once outside, spent inside pure functions."""


class EntropyExhausted(RuntimeError):
    """More random bytes were asked for than were drawn; the caller drew too few (a bug)."""


class Draw:
    """Random bytes to be spent once, front to back.

    A use case draws enough for one decision and passes the draw down; nothing is given out
    twice, and what decides stays a function of its arguments.
    """

    __slots__ = ("_drawn", "_spent")

    def __init__(self, drawn: bytes) -> None:
        self._drawn = drawn
        self._spent = 0

    def take(self, count: int) -> bytes:
        """Return the next *count* bytes. Raises `EntropyExhausted` when fewer are left."""
        start = self._spent
        end = start + count
        if count < 0 or end > len(self._drawn):
            raise EntropyExhausted("the draw holds fewer random bytes than were asked for")
        self._spent = end
        return self._drawn[start:end]

    @property
    def remaining(self) -> int:
        """Return how many bytes are left."""
        return len(self._drawn) - self._spent

    def __repr__(self) -> str:
        return f"Draw(… {self.remaining} left)"
