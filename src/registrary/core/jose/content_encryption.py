"""How the content of a JWE is encrypted and authenticated (RFC 7518 §5)."""

import hmac
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from registrary.core.jose.errors import JoseError

_BLOCK_BITS: Final = 128
_BLOCK_OCTETS: Final = 16
_GCM_NONCE_OCTETS: Final = 12
_GCM_TAG_OCTETS: Final = 16


@dataclass(frozen=True, slots=True)
class Sealed:
    """Encrypted content and the tag that proves it whole."""

    ciphertext: bytes
    tag: bytes


class ContentEncryption(Protocol):
    """One value of ``enc``. Keys have *key_octets*, initialization vectors *iv_octets*."""

    @property
    def key_octets(self) -> int:
        """Return how long its keys are."""
        ...

    @property
    def iv_octets(self) -> int:
        """Return how long its initialization vectors are."""
        ...

    def seal(self, plaintext: bytes, *, key: bytes, iv: bytes, aad: bytes) -> Sealed:
        """Return *plaintext* encrypted, and *aad* authenticated with it."""
        ...

    def unseal(self, sealed: Sealed, *, key: bytes, iv: bytes, aad: bytes) -> bytes:
        """Return the plaintext; raises `JoseError` unless every octet is as it was sealed."""
        ...


@dataclass(frozen=True, slots=True)
class CbcHmac:
    """AES-CBC with HMAC (RFC 7518 §5.2): the first half of the key authenticates."""

    hash: str
    half_octets: int
    iv_octets: int = _BLOCK_OCTETS

    @property
    def key_octets(self) -> int:
        """Return how long both halves are together."""
        return 2 * self.half_octets

    def seal(self, plaintext: bytes, *, key: bytes, iv: bytes, aad: bytes) -> Sealed:
        """Return *plaintext* encrypted, and *aad* authenticated with it."""
        padder = PKCS7(_BLOCK_BITS).padder()
        padded = padder.update(plaintext) + padder.finalize()
        encryptor = Cipher(algorithms.AES(key[self.half_octets :]), modes.CBC(iv)).encryptor()
        ciphertext = encryptor.update(padded) + encryptor.finalize()
        return Sealed(ciphertext, self._tag(ciphertext, key=key, iv=iv, aad=aad))

    def unseal(self, sealed: Sealed, *, key: bytes, iv: bytes, aad: bytes) -> bytes:
        """Return the plaintext; raises `JoseError` unless every octet is as it was sealed."""
        tag = self._tag(sealed.ciphertext, key=key, iv=iv, aad=aad)
        # Before anything is decrypted: padding that is looked at first is an oracle.
        if not hmac.compare_digest(tag, sealed.tag):
            raise JoseError("the content was not sealed with this key")
        decryptor = Cipher(algorithms.AES(key[self.half_octets :]), modes.CBC(iv)).decryptor()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        try:
            padded = decryptor.update(sealed.ciphertext) + decryptor.finalize()
            return unpadder.update(padded) + unpadder.finalize()
        except ValueError:  # sealed with the key, and badly
            raise JoseError("the content was not sealed with this key") from None

    def _tag(self, ciphertext: bytes, *, key: bytes, iv: bytes, aad: bytes) -> bytes:
        length = (8 * len(aad)).to_bytes(8, "big")
        code = hmac.digest(key[: self.half_octets], aad + iv + ciphertext + length, self.hash)
        return code[: self.half_octets]


@dataclass(frozen=True, slots=True)
class Gcm:
    """AES-GCM (RFC 7518 §5.3)."""

    key_octets: int
    iv_octets: int = _GCM_NONCE_OCTETS

    def seal(self, plaintext: bytes, *, key: bytes, iv: bytes, aad: bytes) -> Sealed:
        """Return *plaintext* encrypted, and *aad* authenticated with it."""
        both = AESGCM(key).encrypt(iv, plaintext, aad)
        return Sealed(both[:-_GCM_TAG_OCTETS], both[-_GCM_TAG_OCTETS:])

    def unseal(self, sealed: Sealed, *, key: bytes, iv: bytes, aad: bytes) -> bytes:
        """Return the plaintext; raises `JoseError` unless every octet is as it was sealed."""
        # A short tag would be easy to guess, and an odd split of both is still the same octets.
        if len(sealed.tag) != _GCM_TAG_OCTETS:
            raise JoseError("the content was not sealed with this key")
        try:
            return AESGCM(key).decrypt(iv, sealed.ciphertext + sealed.tag, aad)
        except InvalidTag:
            raise JoseError("the content was not sealed with this key") from None


CONTENT_ENCRYPTIONS: Final[dict[str, ContentEncryption]] = {
    "A128CBC-HS256": CbcHmac("sha256", 16),
    "A256CBC-HS512": CbcHmac("sha512", 32),
    "A128GCM": Gcm(16),
    "A256GCM": Gcm(32),
}
