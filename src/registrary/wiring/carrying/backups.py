"""Making a backup of a store that is in use."""

from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from registrary.config import Settings
from registrary.config.store_url import is_postgres, store_url
from registrary.keys.local import FileKeys
from registrary.keys.material import MaterialError, decode_material
from registrary.storage.sqlite import upkeep
from registrary.storage.sqlite.transfer import SqliteArchive
from registrary.wiring.adapters import database_path
from registrary.wiring.carrying.backup_file import (
    DATABASE,
    FORMAT,
    KEYS,
    BackupError,
    Manifest,
    Stages,
    now,
    part_of,
    write_backup,
)
from registrary.wiring.carrying.encryption import Lock, encrypting
from registrary.wiring.carrying.export_file import KeysOf
from registrary.wiring.carrying.exporting import Extent, appearing, export_store
from registrary.wiring.offline import key_path


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made. *bytes* and *sha256* are of what it holds, before encryption.

    *keys* tells whether the keys are in it, and if so whether only a key elsewhere opens them.
    """

    made_at: datetime
    bytes: int
    sha256: str
    keys: KeysOf
    encrypted: bool


async def make_backup(
    settings: Settings, target: Path, *, with_keys: bool, lock: Lock | None, stages: Stages
) -> Backup:
    """Copy the store of *settings* to the new file *target*, while others work with it.

    *target* appears whole and synced, or not at all. A file is copied as it is; of PostgreSQL
    an export is made. Raises `BackupError`, `StoreUnavailable`, and `KeysUnusable` when the keys
    are wanted and cannot be read.
    """
    if is_postgres(store_url(settings)):
        extent = Extent(keys=with_keys)
        made = await export_store(settings, target, extent=extent, lock=lock, stages=stages)
        return Backup(
            made_at=made.header.made_at,
            bytes=made.plain_bytes,
            sha256=made.sha256,
            keys=made.header.keys,
            encrypted=lock is not None,
        )
    manifest = await _back_up_file(settings, target, with_keys=with_keys, lock=lock, stages=stages)
    return Backup(
        made_at=manifest.made_at,
        bytes=manifest.files[DATABASE].bytes,
        sha256=manifest.files[DATABASE].sha256,
        keys="plain" if manifest.has_keys else "absent",
        encrypted=lock is not None,
    )


async def _back_up_file(
    settings: Settings, target: Path, *, with_keys: bool, lock: Lock | None, stages: Stages
) -> Manifest:
    source, key_file = database_path(settings), key_path(settings)
    if not source.exists():
        raise BackupError(f"there is no store at {source}")
    made_at = now()
    with appearing(target) as file:
        # What is not encrypted yet stays beside the store, where it is as safe as that.
        beside = target.parent if lock is None else source.parent
        with TemporaryDirectory(dir=beside, prefix=f".{target.name}.") as folder:
            copy = Path(folder) / DATABASE
            upkeep.copy(source, copy, progress=stages("copying"))
            if await SqliteArchive(copy).mark() is not None:
                raise BackupError(f"{source} is the half of an unfinished import")
            parts = [(DATABASE, copy)]
            if with_keys:
                # After the store: keys are only added, so these are all that the copy needs.
                parts.append((KEYS, _copied_keys(key_file, Path(folder) / KEYS)))
            manifest = Manifest(
                format=FORMAT,
                made_by=f"registrary {version('registrary')}",
                made_at=made_at,
                schema_version=upkeep.info(copy).schema_version,
                key_ids=key_ids_in(key_file),
                files={name: part_of(path) for name, path in parts},
            )
            with encrypting(file, lock) as stream:
                write_backup(stream, manifest, parts, progress=stages("writing"))
    return manifest


def _copied_keys(key_file: Path, target: Path) -> Path:
    FileKeys(key_file)  # refuses what could not be used
    target.touch(mode=0o600)
    target.write_bytes(key_file.read_bytes())
    return target


def key_ids_in(key_file: Path) -> tuple[str, ...] | None:
    """Return the ids of the keys in *key_file*, None when it cannot be read."""
    try:
        material = decode_material(key_file.read_bytes())
    except (OSError, MaterialError):
        return None
    peppers = tuple(pepper.id for pepper in material.peppers)
    return peppers + tuple(key.id for key in material.data_keys)
