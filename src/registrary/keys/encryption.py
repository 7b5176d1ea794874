"""The key that seals the key document, and the sealed form.

Sealed bytes are: a mark, version, length of the key's id, the id, nonce, ciphertext with tag. All
before the nonce is authenticated.
"""

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registrary.core import base64url
from registrary.core.errors import FieldError
from registrary.keys.material import KEY_BYTES, RandomBytes

MARK: Final = b"registrary keys"
VERSION: Final = 1
ID_BYTES: Final = 6
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16


class DocumentError(Exception):
    """A sealed document cannot be opened; the text is for operators and shows no key."""


class EncryptionKey:
    """A key that operators keep apart from the database; *id* says which it is, and nothing of it.

    Two keys have one id with a chance of 2**-48, and then the seal still tells them apart.
    """

    __slots__ = ("_key", "id")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.id = hmac.digest(key, b"registrary key id", hashlib.sha256)[:ID_BYTES].hex()

    def __repr__(self) -> str:
        return f"EncryptionKey({self.id!r})"

    @classmethod
    def parse(cls, text: str) -> "EncryptionKey":
        """Return the key that *text* spells; raises `FieldError`, which does not show it."""
        try:
            key = base64url.decode(text.strip().rstrip("="))
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise FieldError(
                f"must be {KEY_BYTES} bytes in base64url, as registrary keys new prints them"
            )
        return cls(key)

    def seal(self, document: bytes, *, random_bytes: RandomBytes) -> bytes:
        """Return *document* encrypted."""
        header = _header(self.id)
        nonce = random_bytes(_NONCE_BYTES)
        return header + nonce + AESGCM(self._key).encrypt(nonce, document, header)

    def unseal(self, sealed: bytes) -> bytes:
        """Return the document in *sealed*; raises `DocumentError`."""
        header = _header(self.id)
        nonce = sealed[len(header) : len(header) + _NONCE_BYTES]
        ciphertext = sealed[len(header) + _NONCE_BYTES :]
        try:
            return AESGCM(self._key).decrypt(nonce, ciphertext, header)
        except (InvalidTag, ValueError):
            raise DocumentError("it is damaged: its seal does not hold") from None


def new_encryption_key(random_bytes: RandomBytes) -> str:
    """Return a fresh key as it is written in settings."""
    return base64url.encode(random_bytes(KEY_BYTES))


def key_id_of(sealed: bytes) -> str:
    """Return the id of the key that *sealed* was sealed under; raises `DocumentError`."""
    start = len(MARK) + 2
    if not sealed.startswith(MARK) or len(sealed) < start:
        raise DocumentError("it is not a key document of this program")
    version, length = sealed[len(MARK) : start]
    if version != VERSION:
        raise DocumentError(f"its version is {version}, this program reads {VERSION}")
    if len(sealed) < start + length + _NONCE_BYTES + _TAG_BYTES:
        raise DocumentError("it is cut short")
    return sealed[start : start + length].decode("ascii", "replace")


def _header(key_id: str) -> bytes:
    return MARK + bytes([VERSION, len(key_id)]) + key_id.encode("ascii")
