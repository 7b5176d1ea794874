"""How secrets are kept: as digests under a key of the server, the pepper.

Generated secrets have 256 bits or more, so a slow hash would buy nothing; the pepper makes a
stolen table useless even for guessing badly made secrets that were imported.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

import msgspec

from registrary.core.secrets.secret import Secret

PEPPER_BYTES: Final = 32

_BLOCK_BYTES: Final = hashlib.sha256().block_size
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))  # RFC 2104 §2
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


class Digest(msgspec.Struct, frozen=True):
    """What is stored of a secret: its HMAC-SHA-256, and the id of the pepper that made it."""

    key_id: str
    mac: bytes

    def __repr__(self) -> str:
        return f"Digest({self.key_id!r}, {self.mac[:4].hex()}…)"


class PepperRing:
    """The peppers of a server by id, old ones to verify with and the newest for new digests.

    Digests are separated by purpose: the same text has unrelated digests as a client secret and
    as anything else, so a digest from one table proves nothing in another.
    """

    __slots__ = ("_keys", "_newest", "_states")

    def __init__(self, keys: Mapping[str, bytes], *, newest: str) -> None:
        if newest not in keys:
            raise ValueError("the newest pepper must be one of the peppers")
        if any(len(key) < PEPPER_BYTES for key in keys.values()):
            raise ValueError(f"a pepper must have {PEPPER_BYTES} bytes or more")
        self._keys = dict(keys)
        self._newest = newest
        self._states: dict[tuple[str, str], _Hmac] = {}

    @property
    def newest(self) -> str:
        """Return the id of the pepper that new digests are made with."""
        return self._newest

    def digest(self, secret: Secret, *, purpose: str) -> Digest:
        """Return the digest of the whole text of *secret* for *purpose*.

        *purpose* is the `Prefix` of a token, or another fixed word that names the table.
        """
        return Digest(self._newest, self._hmac(self._newest, purpose).mac(secret))

    def verify(self, secret: Secret, digest: Digest, *, purpose: str) -> bool:
        """Tell whether *digest* is that of *secret*, in time that does not depend on how.

        False when its pepper is not in the ring; that takes as long as a mismatch.
        """
        is_known = digest.key_id in self._keys
        state = self._hmac(digest.key_id if is_known else self._newest, purpose)
        return hmac.compare_digest(state.mac(secret), digest.mac) and is_known

    def is_current(self, digest: Digest) -> bool:
        """Tell whether *digest* was made with the newest pepper; if not, make it anew on use."""
        return digest.key_id == self._newest

    def has(self, key_id: str) -> bool:
        """Tell whether digests made with the pepper *key_id* can be verified."""
        return key_id in self._keys

    def __repr__(self) -> str:
        return f"PepperRing({len(self._keys)} peppers, newest={self._newest!r})"

    def _hmac(self, key_id: str, purpose: str) -> "_Hmac":
        state = self._states.get((key_id, purpose))
        if state is None:
            state = self._states[key_id, purpose] = _Hmac(self._keys[key_id], purpose)
        return state


class _Hmac:
    """HMAC-SHA-256 (RFC 2104) of ``purpose ‖ 0 ‖ text``, with what never changes hashed before.

    The standard library's object does the same at twice the time.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, purpose: str) -> None:
        block = key if len(key) <= _BLOCK_BYTES else hashlib.sha256(key).digest()
        padded = block.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER) + purpose.encode() + b"\0")
        self._outer = hashlib.sha256(padded.translate(_OUTER))

    def mac(self, secret: Secret) -> bytes:
        """Return the code of the text of *secret*."""
        inner = self._inner.copy()
        # Presented texts come from strangers: even a lone surrogate gets its answer.
        inner.update(secret.reveal().encode("utf-8", "surrogatepass"))
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()
