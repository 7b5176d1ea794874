"""Key material as a sealed document in the store, for stores that are not a file."""

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from registrary.core.secrets import PepperRing
from registrary.keys.encryption import DocumentError, EncryptionKey, key_id_of
from registrary.keys.local import utc_now
from registrary.keys.material import (
    Material,
    MaterialError,
    RandomBytes,
    decode_material,
    encode_material,
    new_material,
    with_new_data_key,
    with_new_pepper,
    with_new_wrapping_key,
)
from registrary.keys.sealing import DataKeySealer
from registrary.ports.kept_store import KeyDocuments, KeysUnusable
from registrary.ports.store import Conflict

NAME: Final = "key document in the store"
ACTIVATION_CHECK_SECONDS: Final = 1.0  # between two looks at whether a newer key came into use
_ATTEMPTS: Final = 10  # at a change, while others change the document too


class SealedKeys:
    """Keys from the store's key document, which `follow` reads again.

    *at_hand* are the key-encryption keys of the settings: the current one first, then the one
    before. The document is opened with whichever sealed it, and changed under the same, so that
    nodes that do not have a new one yet can read on; `reseal` moves it to the current one. When it
    cannot be used any more, or holds none of the keys in use, those read before stay in use and
    *problem* says why.
    """

    name = NAME

    def __init__(
        self,
        documents: KeyDocuments,
        at_hand: Sequence[EncryptionKey],
        *,
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        """Prepare; nothing can be asked before `open` has read the document."""
        self._documents = documents
        self._at_hand = {key.id: key for key in reversed(at_hand)}
        self._current = at_hand[0]
        self._now = now
        self._monotonic = monotonic
        self._random_bytes = random_bytes
        self._material: Material | None = None
        self._revision: int | None = None
        self.problem: KeysUnusable | None = None
        self.sealed_under = ""

    @property
    def wants_resealing(self) -> bool:
        """Tell whether the document is not sealed under the current key yet."""
        return self.sealed_under != self._current.id

    async def open(self, *, create: bool) -> "SealedKeys":
        """Read the document, made now if there is none and *create*; raises `KeysUnusable`.

        Of several processes at once exactly one makes it.
        """
        found = await self._documents.key_document()
        if found is None and create:
            material = new_material(self._random_bytes, now=self._now())
            await self._replace(self._current, material, expected=None)
            found = await self._documents.key_document()
        if found is None:
            raise KeysUnusable(NAME, "it is missing; restore it, nothing works without it")
        self._take(*found)
        return self

    async def follow(self) -> None:
        """See what other processes changed. An outage of the store leaves everything as it was."""
        found = await self._documents.key_document()
        if found is not None and found[0] == self._revision and self.problem is None:
            return
        try:
            if found is None:
                raise KeysUnusable(NAME, "it is gone; restore it")
            self._take(*found)
        except KeysUnusable as error:
            self.problem = error
        else:
            self.problem = None

    def peppers(self) -> PepperRing:
        """Return the peppers as they are now."""
        self._activate()
        return self._ring

    def sealer(self) -> DataKeySealer:
        """Return what seals and unseals now."""
        self._activate()
        return self._sealer

    async def rotate_pepper(self) -> None:
        """Add a pepper; digests made with the others stay good."""
        await self._change(lambda old: with_new_pepper(old, self._random_bytes, now=self._now()))

    async def rotate_data_key(self) -> None:
        """Add a data key; what the others sealed stays readable."""
        await self._change(lambda old: with_new_data_key(old, self._random_bytes, now=self._now()))

    async def rotate_wrapping_key(self) -> None:
        """Replace the key inside the document that wraps data keys, and wrap them anew."""
        await self._change(lambda old: with_new_wrapping_key(old, self._random_bytes))

    async def reseal(self) -> None:
        """Seal the document under the current key; old copies of it stay as they are."""
        await self._change(lambda old: old, under=self._current)

    async def _change(
        self, change: Callable[[Material], Material], *, under: EncryptionKey | None = None
    ) -> None:
        for _ in range(_ATTEMPTS):
            found = await self._documents.key_document()
            if found is None:
                raise KeysUnusable(NAME, "it is gone; restore it")
            revision, sealed = found
            key, material = self._opened(sealed)
            if await self._replace(under or key, change(material), expected=revision):
                await self.follow()
                return
        raise Conflict("key document")

    async def _replace(
        self, key: EncryptionKey, material: Material, *, expected: int | None
    ) -> bool:
        """Write the document; tell whether nobody was faster."""
        sealed = key.seal(encode_material(material), random_bytes=self._random_bytes)
        try:
            await self._documents.replace_key_document(sealed, expected=expected)
        except Conflict:
            return False
        return True

    def _opened(self, sealed: bytes) -> tuple[EncryptionKey, Material]:
        try:
            key = self._at_hand.get(key_id_of(sealed))
            if key is None:
                raise KeysUnusable(NAME, self._no_key_for(key_id_of(sealed)))
            return key, decode_material(key.unseal(sealed))
        except (DocumentError, MaterialError) as error:
            raise KeysUnusable(NAME, str(error)) from error

    def _no_key_for(self, key_id: str) -> str:
        named = " and ".join(reversed(self._at_hand))
        return (
            f"it is sealed under key {key_id}, and the settings hold {named}; set "
            "keys.encryption_key to the key it was sealed under"
        )

    def _take(self, revision: int, sealed: bytes) -> None:
        key, material = self._opened(sealed)
        if self._material is not None and not material.continues(self._material):
            # Under other keys every credential would be wrong, and clients would be told so.
            raise KeysUnusable(NAME, "it holds none of the keys in use; put the old one back")
        self._revision, self.sealed_under = revision, key.id
        self._use(material)

    def _use(self, material: Material) -> None:
        now = self._now()
        self._material = material
        self._newest = material.newest(now)
        self._ring = material.ring(now)
        self._sealer = material.sealer(now)
        self._next_look = self._monotonic() + ACTIVATION_CHECK_SECONDS

    def _activate(self) -> None:
        """Begin to use a key whose moment has come."""
        if self._monotonic() < self._next_look or self._material is None:
            return
        self._next_look = self._monotonic() + ACTIVATION_CHECK_SECONDS
        if self._material.newest(self._now()) != self._newest:
            self._use(self._material)
