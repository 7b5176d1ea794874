"""The server's own keys as one document: what wraps, what seals, what peppers digests."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registrary.core.secrets import PepperRing
from registrary.keys.sealing import DataKeySealer

RandomBytes = Callable[[int], bytes]

VERSION: Final = 1
KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12
# Other processes look at the file once a second; a new key is used once all have seen it.
ACTIVATION_DELAY: Final = timedelta(seconds=5)
_ABOUT: Final = (
    "Keys of a Registrary server. Whoever has this file and the database can read every sealed "
    "secret; without it no stored credential works. Back both up, apart from each other."
)


class MaterialError(Exception):
    """The key material cannot be used; the text is for operators and shows no key."""


class WrappingKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key-encryption key: it wraps data keys and nothing else."""

    id: str
    key: bytes

    def __repr__(self) -> str:
        return f"WrappingKey({self.id!r})"


class DataKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that seals secrets, itself encrypted under the wrapping key."""

    id: str
    wrapped: bytes
    active_from: datetime


class Pepper(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key of digests."""

    id: str
    key: bytes
    active_from: datetime

    def __repr__(self) -> str:
        return f"Pepper({self.id!r})"


class Material(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All keys of a server, old ones included: what they made must still be read."""

    about: str = _ABOUT
    version: int
    key_encryption_key: WrappingKey
    data_keys: tuple[DataKey, ...]
    peppers: tuple[Pepper, ...]

    def __repr__(self) -> str:
        return f"Material({len(self.data_keys)} data keys, {len(self.peppers)} peppers)"

    def continues(self, earlier: "Material") -> bool:
        """Tell whether some of *earlier* is here: changes add keys, and keep those in use."""
        peppers = {pepper.id for pepper in self.peppers}
        data_keys = {key.id for key in self.data_keys}
        return any(pepper.id in peppers for pepper in earlier.peppers) and any(
            key.id in data_keys for key in earlier.data_keys
        )

    def ring(self, now: datetime) -> PepperRing:
        """Return the peppers, the newest that is active at *now* for new digests."""
        keys = {pepper.id: pepper.key for pepper in self.peppers}
        return PepperRing(keys, newest=_newest(self.peppers, now))

    def sealer(self, now: datetime) -> DataKeySealer:
        """Return what seals with the newest data key that is active at *now*."""
        keys = {key.id: _unwrap(self.key_encryption_key, key) for key in self.data_keys}
        return DataKeySealer(keys, newest=_newest(self.data_keys, now))

    def newest(self, now: datetime) -> tuple[str, str]:
        """Return the ids of the pepper and the data key in use at *now*."""
        return _newest(self.peppers, now), _newest(self.data_keys, now)


def new_material(random_bytes: RandomBytes, *, now: datetime) -> Material:
    """Return fresh keys, in use at once."""
    wrapping = WrappingKey(id=_new_id("k", random_bytes), key=random_bytes(KEY_BYTES))
    return Material(
        version=VERSION,
        key_encryption_key=wrapping,
        data_keys=(_new_data_key(wrapping, random_bytes, active_from=now),),
        peppers=(_new_pepper(random_bytes, active_from=now),),
    )


def with_new_pepper(material: Material, random_bytes: RandomBytes, *, now: datetime) -> Material:
    """Return *material* with one more pepper, in use as soon as every process has seen it."""
    pepper = _new_pepper(random_bytes, active_from=now + ACTIVATION_DELAY)
    return msgspec.structs.replace(material, peppers=(*material.peppers, pepper))


def with_new_data_key(material: Material, random_bytes: RandomBytes, *, now: datetime) -> Material:
    """Return *material* with one more data key, in use as soon as every process has seen it."""
    wrapping, active_from = material.key_encryption_key, now + ACTIVATION_DELAY
    key = _new_data_key(wrapping, random_bytes, active_from=active_from)
    return msgspec.structs.replace(material, data_keys=(*material.data_keys, key))


def with_new_wrapping_key(material: Material, random_bytes: RandomBytes) -> Material:
    """Return *material* with its data keys wrapped anew; what they sealed stays as it is."""
    old = material.key_encryption_key
    new = WrappingKey(id=_new_id("k", random_bytes), key=random_bytes(KEY_BYTES))
    rewrapped = tuple(
        msgspec.structs.replace(
            key, wrapped=_wrap(new, key.id, _unwrap(old, key), random_bytes=random_bytes)
        )
        for key in material.data_keys
    )
    return msgspec.structs.replace(material, key_encryption_key=new, data_keys=rewrapped)


def encode_material(material: Material) -> bytes:
    """Return the document of *material*: indented JSON, keys in base64."""
    return msgspec.json.format(msgspec.json.encode(material), indent=2) + b"\n"


def decode_material(document: bytes) -> Material:
    """Return the material in *document*; raises `MaterialError`, without quoting any of it."""
    try:
        material = msgspec.json.decode(document, type=Material)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # Not chained: the library's text may quote a key.
        raise MaterialError("it is not a key document of this program") from None
    if material.version != VERSION:
        raise MaterialError(f"its version is {material.version}, this program reads {VERSION}")
    _check(material)
    return material


def _check(material: Material) -> None:
    if not material.peppers or not material.data_keys:
        raise MaterialError("it has no pepper or no data key")
    keys = [material.key_encryption_key.key, *(pepper.key for pepper in material.peppers)]
    if any(len(key) != KEY_BYTES for key in keys):
        raise MaterialError(f"a key in it does not have {KEY_BYTES} bytes")
    ids = [pepper.id for pepper in material.peppers] + [key.id for key in material.data_keys]
    if len(set(ids)) != len(ids):
        raise MaterialError("two keys in it have one id")
    for key in material.data_keys:
        _unwrap(material.key_encryption_key, key)


def _newest(keys: tuple[Pepper, ...] | tuple[DataKey, ...], now: datetime) -> str:
    active = [key for key in keys if key.active_from <= now] or [keys[0]]
    return max(active, key=lambda key: (key.active_from, key.id)).id


def _new_id(letter: str, random_bytes: RandomBytes) -> str:
    return letter + random_bytes(_ID_BYTES).hex()


def _new_pepper(random_bytes: RandomBytes, *, active_from: datetime) -> Pepper:
    key_id = _new_id("p", random_bytes)
    return Pepper(id=key_id, key=random_bytes(KEY_BYTES), active_from=active_from)


def _new_data_key(
    wrapping: WrappingKey, random_bytes: RandomBytes, *, active_from: datetime
) -> DataKey:
    key_id = _new_id("d", random_bytes)
    wrapped = _wrap(wrapping, key_id, random_bytes(KEY_BYTES), random_bytes=random_bytes)
    return DataKey(id=key_id, wrapped=wrapped, active_from=active_from)


def _wrap(wrapping: WrappingKey, key_id: str, key: bytes, *, random_bytes: RandomBytes) -> bytes:
    nonce = random_bytes(_NONCE_BYTES)
    return nonce + AESGCM(wrapping.key).encrypt(nonce, key, _wrap_context(wrapping, key_id))


def _unwrap(wrapping: WrappingKey, key: DataKey) -> bytes:
    nonce, ciphertext = key.wrapped[:_NONCE_BYTES], key.wrapped[_NONCE_BYTES:]
    try:
        return AESGCM(wrapping.key).decrypt(nonce, ciphertext, _wrap_context(wrapping, key.id))
    except (InvalidTag, ValueError):
        raise MaterialError("a data key in it was not wrapped by its wrapping key") from None


def _wrap_context(wrapping: WrappingKey, key_id: str) -> bytes:
    return f"data key|{key_id}|{wrapping.id}".encode()
