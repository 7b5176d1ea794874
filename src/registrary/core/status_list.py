"""Status lists: a few bits for each token, packed and compressed (Token Status List, draft 20 §4).

Whoever verifies tokens offline fetches one list and learns of every revocation in it.
"""

import zlib
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from registrary.core.base64url import decode, encode

MAX_LIST_OCTETS: Final = 4_194_304  # of a list unpacked: 32 million places of one bit
_WIDTHS: Final = (1, 2, 4, 8)
_OCTET_BITS: Final = 8


class TokenStatus(IntEnum):
    """What a place in a list says (§7.1). With one bit there are the first two alone."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


class StatusListError(ValueError):
    """A list cannot be read, or was asked for what it cannot hold; the text is the rule."""


def pack_statuses(statuses: Mapping[int, int], *, size: int, bits: int) -> bytes:
    """Return a list of *size* places of *bits* each; those not named in *statuses* are valid.

    The first place is in the lowest bits of the first octet (§4.1). Raises `StatusListError`.
    """
    _check_width(bits)
    packed = bytearray(-(-size * bits // _OCTET_BITS))
    for index, status in statuses.items():
        if not 0 <= index < size:
            raise StatusListError("there is no such place in the list")
        if status >> bits:
            raise StatusListError("a place of this width cannot hold such a status")
        octet, offset = divmod(index * bits, _OCTET_BITS)
        packed[octet] |= status << offset
    return bytes(packed)


def status_at(packed: bytes, index: int, *, bits: int) -> int:
    """Return the status at *index*; raises `StatusListError` when the list ends before (§8.3)."""
    _check_width(bits)
    octet, offset = divmod(index * bits, _OCTET_BITS)
    if not 0 <= octet < len(packed):
        raise StatusListError("there is no such place in the list")
    return packed[octet] >> offset & (1 << bits) - 1


def encode_status_list(packed: bytes) -> str:
    """Return ``lst``: *packed* in the ZLIB format, as base64url without padding (§4.2)."""
    return encode(zlib.compress(packed, zlib.Z_BEST_COMPRESSION))


def decode_status_list(lst: str, *, limit: int = MAX_LIST_OCTETS) -> bytes:
    """Return what *lst* unpacks to, up to *limit* octets; raises `StatusListError`."""
    unpacking = zlib.decompressobj()
    try:
        packed = unpacking.decompress(decode(lst), limit + 1)
    except (ValueError, zlib.error):
        raise StatusListError("lst must be base64url of the ZLIB format") from None
    if len(packed) > limit:
        raise StatusListError(f"lst must not unpack to more than {limit} octets")
    if not unpacking.eof or unpacking.unused_data:
        raise StatusListError("lst must be one whole stream")
    return packed


def _check_width(bits: int) -> None:
    if bits not in _WIDTHS:
        raise StatusListError("a place must have 1, 2, 4 or 8 bits")
