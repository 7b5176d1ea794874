"""Randomness that is the same in every run."""

import hashlib

from registrary.core.entropy import Draw


class SeededEntropy:
    """An `Entropy` whose bytes follow from a seed. For tests: anybody can predict them.

    Two with the same seed give the same bytes, whatever the sizes asked for.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._block = 0
        self._waiting = bytearray()

    def token_bytes(self, count: int) -> bytes:
        """Return the next *count* bytes."""
        while len(self._waiting) < count:
            block = f"registrary test entropy {self._seed} {self._block}".encode()
            self._waiting += hashlib.sha512(block).digest()
            self._block += 1
        drawn = bytes(self._waiting[:count])
        del self._waiting[:count]
        return drawn

    def draw(self, count: int = 256) -> Draw:
        """Return a draw of *count* bytes, for a pure function that takes one."""
        return Draw(self.token_bytes(count))
