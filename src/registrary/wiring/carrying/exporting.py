"""Writing all of a store into one file, while others work with it."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import msgspec

from registrary.config import Settings
from registrary.core.issuer import Issuer
from registrary.keys.folders import sync_folder
from registrary.ports.transfer import Snapshot
from registrary.storage.shared.kinds import KINDS
from registrary.wiring.carrying.backup_file import Stages, now
from registrary.wiring.carrying.encryption import Lock, encrypting
from registrary.wiring.carrying.export_file import (
    SECTIONS,
    Digests,
    End,
    ExportError,
    Header,
    Keys,
    KeysOf,
    line_of,
    line_of_row,
)
from registrary.wiring.carrying.key_places import key_ids_of
from registrary.wiring.carrying.places import Place, open_place
from registrary.wiring.carrying.stripping import stays, stripped

_ISSUERS = next(kind.decoder for kind in KINDS if kind.name == Issuer.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What goes into an export beside what always does."""

    keys: bool = False
    credentials: bool = True


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What an export holds: all of it together, before encryption, as *sha256* says."""

    header: Header
    plain_bytes: int
    sha256: str


async def export_store(
    settings: Settings, target: Path, *, extent: Extent, lock: Lock | None, stages: Stages
) -> Exported:
    """Write the store of *settings*, as it is at one moment, to the new file *target*.

    *target* appears whole and synced, or not at all. Raises `ExportError`, `StoreUnavailable`,
    `EncryptionError`, and `KeysUnusable` when the keys are wanted and cannot be read.
    """
    async with open_place(settings, create=False) as place:
        if await place.archive.mark() is not None:
            raise ExportError(f"{place.archive.name} is the half of an unfinished import")
        with appearing(target) as file, encrypting(file, lock) as stream:
            return await write_export(place, stream, extent=extent, stages=stages)


async def write_export(
    place: Place, stream: BinaryIO, *, extent: Extent, stages: Stages
) -> Exported:
    """Write the lines of an export to *stream*."""
    async with place.archive.snapshot() as snapshot:
        # Keys after the snapshot: they are only added, so these are all that it needs.
        keys, key_ids = await _keys_of(place, extent)
        header = await header_of(snapshot, extent=extent, key_ids=key_ids, keys=_how(keys))
        writer = _Writer(stream)
        writer.write(line_of("header", header))
        if keys is not None:
            writer.write(line_of("keys", keys))
        progress, done = stages("exporting"), 0
        for section in SECTIONS:
            if not extent.credentials and not stays(section):
                continue
            async for rows in snapshot.rows(section):
                kept = rows if extent.credentials else [stripped(section, row) for row in rows]
                lines = [line_of_row(section, row) for row in kept]
                writer.write_section(section, lines)
                done += len(rows)
                progress(done, header.rows)
        return Exported(header=header, sha256=writer.end(), plain_bytes=writer.written)


async def header_of(
    snapshot: Snapshot, *, extent: Extent, key_ids: tuple[str, ...], keys: KeysOf
) -> Header:
    """Return what is said of *snapshot* before any of it."""
    counts = {
        section: await snapshot.count(section) if extent.credentials or stays(section) else 0
        for section in SECTIONS
    }
    urls = [
        _ISSUERS.decode(str(row[-1])).url
        async for rows in snapshot.rows(Issuer.kind)
        for row in rows
    ]
    return Header(
        made_by=f"registrary {version('registrary')}",
        made_at=now(),
        issuers=tuple(urls),
        key_ids=key_ids,
        keys=keys,
        credentials=extent.credentials,
        counts=counts,
    )


async def _keys_of(place: Place, extent: Extent) -> tuple[Keys | None, tuple[str, ...]]:
    """Return the keys that go into the file, and the ids of those that the store needs."""
    if not extent.credentials:
        return None, ()
    document = await place.keys.document()
    if document is None:
        raise ExportError(f"the {place.keys.name} is missing; without it the store is no use")
    ids = key_ids_of(document)
    if extent.keys:
        return Keys(plain=document), ids
    sealed = await place.keys.sealed()
    return None if sealed is None else Keys(sealed=sealed), ids


def _how(keys: Keys | None) -> KeysOf:
    if keys is None:
        return "absent"
    return "plain" if keys.plain is not None else "sealed"


class _Writer:
    """Writes lines and keeps the digests of them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._whole = hashlib.sha256()
        self._digests = Digests()
        self.written = 0

    def write(self, text: bytes) -> None:
        self._whole.update(text)
        self.written += len(text)
        self._stream.write(text)

    def write_section(self, section: str, lines: list[bytes]) -> None:
        self._digests.add(section, lines)
        self.write(b"".join(lines))

    def end(self) -> str:
        """Write the last line and return the digest of those before it."""
        end = End(sections=self._digests.all(), sha256=self._whole.hexdigest())
        self._stream.write(line_of("end", end))
        return end.sha256


@contextmanager
def appearing(target: Path) -> Iterator[BinaryIO]:
    """Yield a file that is *target* once all is written and synced, and else nothing.

    It is for its owner alone. Raises `ExportError` when there is such a file already.
    """
    if target.exists():
        raise ExportError(f"{target} exists; no file is replaced")
    if not target.parent.is_dir():
        raise ExportError(f"there is no folder {target.parent}")
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(descriptor)
        target.hardlink_to(partial)  # unlike a rename, this never replaces a file made meanwhile
        sync_folder(target.parent)
    except FileExistsError as error:
        raise ExportError(f"{target} exists; no file is replaced") from error
    finally:
        partial.unlink(missing_ok=True)
