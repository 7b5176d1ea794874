"""The one spelling of bytes in JOSE: base64url without padding (RFC 7515 §2)."""

import binascii
from typing import Final

# The letters of plain base64 and its padding become a byte that no base64 text may hold.
_TO_PLAIN: Final = bytes.maketrans(b"-_+/=", b"+/\0\0\0")
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
# By the length of the last group: characters whose surplus low bits are zero, so that one
# string of bytes has one spelling (RFC 4648 §3.5). A group of one character decodes to nothing.
_LAST_CHARACTERS: Final = (None, "", "AQgw", "AEIMQUYcgkosw048")
_PADDING: Final = (b"", b"", b"==", b"=")


def encode(octets: bytes) -> str:
    """Return *octets* as base64url without padding."""
    return binascii.b2a_base64(octets, newline=False).translate(_TO_URL, b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the octets *text* stands for.

    Refused with ValueError: padding, white space, the letters of plain base64, an impossible
    length, and surplus bits that are not zero.
    """
    group = len(text) & 3
    last = _LAST_CHARACTERS[group]
    try:
        if last is None or text[-1] in last:
            plain = text.encode("ascii").translate(_TO_PLAIN) + _PADDING[group]
            return binascii.a2b_base64(plain, strict_mode=True)
    except ValueError:
        pass  # of either call; their texts may repeat what was sent
    raise ValueError("not base64url without padding")
