"""Making a backup of a store that is in use."""

import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from registrary.config import Settings
from registrary.keys.local import FileKeys
from registrary.keys.material import MaterialError, decode_material
from registrary.storage.sqlite import upkeep
from registrary.wiring.adapters import database_path
from registrary.wiring.backup_file import (
    DATABASE,
    FORMAT,
    KEYS,
    BackupError,
    Manifest,
    Progress,
    now,
    part_of,
    write_backup,
)
from registrary.wiring.offline import key_path

Stages = Callable[[str], Progress]
"""Is told which stage begins, and returns what is told how far it is."""


def make_backup(settings: Settings, target: Path, *, with_keys: bool, stages: Stages) -> Manifest:
    """Copy the store of *settings* to the new file *target*, while others work with it.

    *target* appears whole and synced, or not at all. Raises `BackupError`, `StoreUnavailable`,
    and `KeyFileError` when the keys are wanted and cannot be read.
    """
    source, key_file = database_path(settings), key_path(settings)
    if not source.exists():
        raise BackupError(f"there is no store at {source}")
    if target.exists():
        raise BackupError(f"{target} exists; backups replace nothing")
    if not target.parent.is_dir():
        raise BackupError(f"there is no folder {target.parent}")
    made_at = now()
    with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        copy = Path(folder) / DATABASE
        upkeep.copy(source, copy, progress=stages("copying"))
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
        written = Path(folder) / "backup"
        write_backup(written, manifest, parts, progress=stages("writing"))
        _appear(written, target)
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


def _appear(written: Path, target: Path) -> None:
    try:
        target.hardlink_to(written)  # unlike a rename, this never replaces a file made meanwhile
    except FileExistsError as error:
        raise BackupError(f"{target} exists; backups replace nothing") from error
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make durable which names the files in *folder* have."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
