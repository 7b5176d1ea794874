"""Sealing with AES-256-GCM: small secrets, bound to their place and to the key's id.

Sealed bytes are: version, length of the key's id, the id, nonce, ciphertext with tag.
"""

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registrary.core.entropy import Draw
from registrary.core.sealing import SEAL_DRAW_BYTES, Place, UnsealError

_VERSION: Final = 1
_TAG_BYTES: Final = 16
_CACHED_ISSUERS: Final = 1024


class DataKeySealer:
    """Seals with the newest data key, unseals with any.

    Every issuer has keys of its own, derived from the data keys: what one issuer's key seals is
    noise under another's, and random nonces stay far from their limit of 2**32 per key.
    """

    def __init__(self, keys: Mapping[str, bytes], *, newest: str) -> None:
        self._keys = dict(keys)
        self._newest = newest
        self._header = bytes([_VERSION, len(newest)]) + newest.encode("ascii")
        self._cipher = lru_cache(_CACHED_ISSUERS)(self._derive)

    def __repr__(self) -> str:
        return f"DataKeySealer({len(self._keys)} keys, newest={self._newest!r})"

    def seal(self, plaintext: bytes, place: Place, draw: Draw) -> bytes:
        """Return *plaintext* encrypted for *place*; takes `SEAL_DRAW_BYTES` from *draw*."""
        nonce = draw.take(SEAL_DRAW_BYTES)
        cipher = self._cipher(self._newest, place.issuer)
        ciphertext = cipher.encrypt(nonce, plaintext, place.associated_data(self._newest))
        return self._header + nonce + ciphertext

    def unseal(self, sealed: bytes, place: Place) -> bytes:
        """Return what was sealed for *place*. Raises `UnsealError`."""
        key_id, nonce, ciphertext = _take_apart(sealed)
        if key_id not in self._keys:
            raise UnsealError("a secret is sealed under a key that is not at hand")
        cipher = self._cipher(key_id, place.issuer)
        try:
            return cipher.decrypt(nonce, ciphertext, place.associated_data(key_id))
        except InvalidTag:
            raise UnsealError(
                f"a sealed {place.column} does not belong where it was found"
            ) from None

    def _derive(self, key_id: str, issuer: str) -> AESGCM:
        # HKDF-Expand (RFC 5869 §2.3), one block; the data key is uniformly random already.
        info = b"registrary sealing\0" + issuer.encode() + b"\x01"
        return AESGCM(hmac.digest(self._keys[key_id], info, hashlib.sha256))


def _take_apart(sealed: bytes) -> tuple[str, bytes, bytes]:
    if len(sealed) < 2 or sealed[0] != _VERSION:  # noqa: PLR2004  version and length
        raise UnsealError("a sealed secret has a form that is not known here")
    start = 2 + sealed[1]
    end = start + SEAL_DRAW_BYTES
    if len(sealed) < end + _TAG_BYTES:
        raise UnsealError("a sealed secret is cut short")
    return sealed[2:start].decode("ascii", "replace"), sealed[start:end], sealed[end:]
