"""Identifiers: time-ordered, so that an index grows at its end; never derived from input."""

from datetime import UTC, datetime
from typing import Final

from registrary.core.entropy import Draw

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ID_BYTES: Final = 16
ISSUER_ID_BYTES: Final = 5


def milliseconds(moment: datetime) -> int:
    """Return whole milliseconds between the Unix epoch and *moment*."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def new_id(now: datetime, draw: Draw) -> str:
    """Return 32 hexadecimal digits: 48 bits of milliseconds, then 80 random bits.

    Used for ``client_id`` (RFC 7591 §3.2.1) and for the ids of tokens. An id is no secret.
    """
    return (milliseconds(now).to_bytes(6, "big") + draw.take(10)).hex()


def new_event_id(now: datetime, draw: Draw) -> str:
    """Return a UUID version 7 (RFC 9562 §5.7) in text form."""
    tail = bytearray(draw.take(10))
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    digits = (milliseconds(now).to_bytes(6, "big") + tail).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_issuer_id(draw: Draw) -> str:
    """Return the short id of an issuer: ten hexadecimal digits."""
    return draw.take(ISSUER_ID_BYTES).hex()


def locator_of(identifier: str) -> bytes | None:
    """Return the 16 bytes that an id made by `new_id` stands for, or None for another id."""
    if len(identifier) != 2 * ID_BYTES:
        return None
    try:
        locator = bytes.fromhex(identifier)
    except ValueError:
        return None
    return locator if len(locator) == ID_BYTES and locator.hex() == identifier else None
