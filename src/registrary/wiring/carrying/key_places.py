"""Where the keys of a store are kept, as documents that can be carried elsewhere."""

import os
from pathlib import Path
from typing import Final, Protocol

from registrary.keys.encryption import DocumentError, EncryptionKey, key_id_of
from registrary.keys.folders import sync_folder
from registrary.keys.local import FileKeys
from registrary.keys.material import MaterialError, decode_material
from registrary.ports.kept_store import KeyDocuments, KeysUnusable
from registrary.wiring.carrying.backup_file import now

_STORED: Final = "key document in the store"


class KeyPlace(Protocol):
    """Keeps the key document of one store."""

    @property
    def name(self) -> str:
        """Return where that is, for operators."""
        ...

    async def document(self) -> bytes | None:
        """Return the document in the open, None when there is none; raises `KeysUnusable`."""
        ...

    async def sealed(self) -> bytes | None:
        """Return the document as it is kept, where it is kept sealed."""
        ...

    def opened(self, sealed: bytes) -> bytes:
        """Return the document in *sealed*; raises `KeysUnusable`."""
        ...

    async def keep(self, document: bytes) -> str | None:
        """Keep *document* in place of what is there and return how that is called now, if kept."""
        ...


class KeyFile:
    """A key file beside an SQLite file."""

    def __init__(self, path: Path, keys_at_hand: tuple[EncryptionKey, ...] = ()) -> None:
        self._path = path
        self._keys_at_hand = keys_at_hand

    @property
    def name(self) -> str:
        """Return which file it is."""
        return f"key file {self._path}"

    async def document(self) -> bytes | None:
        """Return what is in the file."""
        if not self._path.exists():
            return None
        FileKeys(self._path)  # refuses what could not be used
        return self._path.read_bytes()

    async def sealed(self) -> bytes | None:
        """Return None: a key file is not sealed."""
        return None

    def opened(self, sealed: bytes) -> bytes:
        """Return the document in *sealed*, if its key is in the settings too."""
        return _opened(sealed, self._keys_at_hand)

    async def keep(self, document: bytes) -> str | None:
        """Write *document* and leave the file that was there under another name."""
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        kept = None
        if self._path.exists():
            kept = self._path.with_name(f"{self._path.name}.before-{now():%Y%m%dT%H%M%SZ}")
            kept.hardlink_to(self._path)
        take_owner(self._path, temporary)
        temporary.replace(self._path)
        sync_folder(self._path.parent)
        return None if kept is None else str(kept)


class SealedKeyPlace:
    """A document that a store keeps, sealed under one of the *keys_at_hand*."""

    def __init__(self, documents: KeyDocuments, keys_at_hand: tuple[EncryptionKey, ...]) -> None:
        self._documents = documents
        self._keys_at_hand = keys_at_hand

    @property
    def name(self) -> str:
        """Return that the store has it."""
        return _STORED

    async def document(self) -> bytes | None:
        """Return the document in the open."""
        sealed = await self.sealed()
        return None if sealed is None else self.opened(sealed)

    async def sealed(self) -> bytes | None:
        """Return the document as the store keeps it."""
        found = await self._documents.key_document()
        return None if found is None else found[1]

    def opened(self, sealed: bytes) -> bytes:
        """Return the document in *sealed*."""
        return _opened(sealed, self._keys_at_hand)

    async def keep(self, document: bytes) -> str | None:
        """Seal *document* under the current key and put it in place of what was there."""
        found = await self._documents.key_document()
        sealed = self._keys_at_hand[0].seal(document, random_bytes=os.urandom)
        await self._documents.replace_key_document(sealed, expected=found[0] if found else None)
        return None


def _opened(sealed: bytes, keys_at_hand: tuple[EncryptionKey, ...]) -> bytes:
    try:
        key_id = key_id_of(sealed)
        for key in keys_at_hand:
            if key.id == key_id:
                return key.unseal(sealed)
    except DocumentError as error:
        raise KeysUnusable(_STORED, str(error)) from error
    raise KeysUnusable(_STORED, f"it is sealed under key {key_id}; set keys.encryption_key to it")


def key_ids_of(document: bytes) -> tuple[str, ...]:
    """Return the ids of the keys in *document*; raises `KeysUnusable`."""
    try:
        material = decode_material(document)
    except MaterialError as error:
        raise KeysUnusable("key document", str(error)) from error
    peppers = tuple(pepper.id for pepper in material.peppers)
    return peppers + tuple(key.id for key in material.data_keys)


def take_owner(old: Path, new: Path) -> None:
    """Let a file that root makes be the server's: its predecessor's owner's, or its folder's."""
    if os.geteuid() == 0:
        status = old.stat() if old.exists() else old.parent.stat()
        os.chown(new, status.st_uid, status.st_gid)
