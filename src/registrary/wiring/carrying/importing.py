"""Filling an empty store from an export, so that a half of it never counts."""

import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec

from registrary.config import Settings
from registrary.keys.material import encode_material, new_material
from registrary.ports.transfer import Row
from registrary.wiring.adapters import SystemClock
from registrary.wiring.carrying.backup_file import Stages
from registrary.wiring.carrying.encryption import Opener, decrypting
from registrary.wiring.carrying.export_file import End, ExportError, Header, Keys
from registrary.wiring.carrying.export_reading import ExportReading
from registrary.wiring.carrying.filling import Carried, Load, Note, fill
from registrary.wiring.carrying.key_places import KeyPlace, key_ids_of
from registrary.wiring.carrying.places import open_place


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """An export that was read once from beginning to end, and is as it was written."""

    header: Header
    keys: Keys | None
    end: End


async def import_store(
    settings: Settings, source: Path, *, opener: Opener, key_file: Path | None, stages: Stages
) -> Carried:
    """Put what the export *source* holds into the store of *settings*, which must be empty.

    The file is read twice: nothing is written before all of it was seen to be sound. Where an
    earlier import of the same file was interrupted, this one goes on. Then everything is read
    back from the store, the audit log verified and the keys tried; only then the store is free
    to be used. *key_file* holds the keys if the export does not. Raises `ExportError`,
    `EncryptionError`, `KeysUnusable`, `StoreUnavailable`.
    """
    checked = check_export(source, opener=opener, stages=stages)
    return await import_checked(
        settings, source, checked=checked, opener=opener, key_file=key_file, stages=stages
    )


async def import_checked(
    settings: Settings,
    source: Path,
    *,
    checked: Checked,
    opener: Opener,
    stages: Stages,
    key_file: Path | None = None,
    note: Note | None = None,
) -> Carried:
    """Do what `import_store` does after its first reading of *source*, which is *checked*.

    With *note* what it makes is written into the log of each issuer.
    """
    async with open_place(settings, create=True) as place:
        keys = _keys_for(place.keys, checked, key_file)
        load = Load(
            header=checked.header,
            digests=checked.end.sections,
            mark=_number_of(checked.end.sha256),
            keys=keys,
            note=note,
        )
        return await fill(place, load, _pages(source, opener, stages=stages), stages=stages)


def check_export(source: Path, *, opener: Opener, stages: Stages) -> Checked:
    """Read all of the export *source*; raises `ExportError` when it is not as it was written."""
    with decrypting(source, opener) as stream:
        reading = ExportReading(stream)
        for _ in reading.pages(stages("checking")):
            pass
    if reading.end is None:
        raise ExportError(f"{source} is cut off")
    return Checked(header=reading.header, keys=reading.keys, end=reading.end)


async def _pages(
    source: Path, opener: Opener, *, stages: Stages
) -> AsyncIterator[tuple[str, list[Row]]]:
    with decrypting(source, opener) as stream:
        for page in ExportReading(stream).pages(stages("importing")):
            yield page


def _keys_for(place: KeyPlace, checked: Checked, key_file: Path | None) -> bytes | None:
    """Return the key document that goes with the records, if one was given."""
    if not checked.header.credentials:
        return encode_material(new_material(os.urandom, now=SystemClock().now()))
    if checked.keys is not None and checked.keys.plain is not None:
        return checked.keys.plain
    if key_file is not None:
        document = key_file.read_bytes()
        key_ids_of(document)
        return document
    if checked.keys is not None and checked.keys.sealed is not None:
        return place.opened(checked.keys.sealed)
    return None


def _number_of(digest: str) -> int:
    return int(digest[:15], 16)


def mark_of(header: Header, heads: Mapping[str, str]) -> int:
    """Return the mark of what *header* and *heads* describe, whenever it is looked at."""
    said = msgspec.json.encode((header.counts, header.issuers, header.key_ids, heads))
    return _number_of(hashlib.sha256(said).hexdigest())
