"""Nonces for proofs of possession (RFC 9449 §8): made from the time, kept nowhere.

Whoever has the key makes the same nonce in the same minute, so every node takes what another
one gave out.
"""

import hmac
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from registrary.core.base64url import encode

# A nonce is taken for one to two of these, and in the slot before its own: a neighbour's clock
# may run ahead.
NONCE_SLOT: Final = timedelta(seconds=60)
_OCTETS: Final = 16


class Nonces:
    """The nonces that *key* stands for. Each issuer needs a key of its own, of 32 octets."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def current(self, now: datetime) -> str:
        """Return the nonce to hand out at *now*."""
        return self._of(_slot(now))

    def takes(self, nonce: str, now: datetime) -> bool:
        """Tell whether *nonce* was handed out lately, by whichever node."""
        given = nonce.encode("utf-8", "surrogatepass")
        return any(hmac.compare_digest(given, good.encode()) for good in self._lately(now))

    def _lately(self, now: datetime) -> Iterator[str]:
        slot = _slot(now)
        return (self._of(near) for near in (slot, slot - 1, slot + 1))

    def _of(self, slot: int) -> str:
        code = hmac.digest(self._key, f"dpop nonce\0{slot}".encode(), "sha256")
        return encode(code[:_OCTETS])

    def __repr__(self) -> str:
        return "Nonces(…)"


def _slot(now: datetime) -> int:
    return math.floor(now.timestamp() / NONCE_SLOT.total_seconds())
