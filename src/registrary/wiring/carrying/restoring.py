"""Putting the store of a backup in its place, once everything in it was verified."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias

import msgspec

from registrary.config import Settings
from registrary.config.store_url import is_postgres, store_url
from registrary.core.changes import Changes
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Event, Tag
from registrary.keys.folders import sync_folder
from registrary.keys.local import FileKeys, KeyFileError
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite import SqliteStore, open_sqlite, upkeep
from registrary.storage.sqlite.replacement import COMPANIONS, alone_with, become_one_file
from registrary.wiring.adapters import SystemClock, SystemEntropy, database_path
from registrary.wiring.carrying.backup_file import (
    DATABASE,
    KEYS,
    BackupError,
    Manifest,
    ReadableBackup,
    Stages,
    now,
    open_backup,
)
from registrary.wiring.carrying.backups import key_ids_in
from registrary.wiring.carrying.encryption import Opener, decrypting
from registrary.wiring.carrying.export_file import BEGINNING
from registrary.wiring.carrying.filling import DELAYS_OF_A_COPY, FAULTS_SHOWN, Note
from registrary.wiring.carrying.importing import Checked, check_export, import_checked
from registrary.wiring.carrying.key_places import take_owner
from registrary.wiring.log_reading import untold, verify_kept_log
from registrary.wiring.offline import key_path

Keys: TypeAlias = Literal["restored", "present", "missing"]
"""Where the keys of a restored store are from: the backup, or there all along; or nowhere yet."""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore did. *kept* names the files that were replaced, if worth keeping."""

    store: str
    backup_made_at: datetime
    issuers: tuple[str, ...]
    events: int
    keys: Keys
    key_file: str
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Files:
    """Where a store and its keys are to lie, and how what lies there is renamed."""

    database: Path
    key_file: Path
    stamp: str

    def kept(self, path: Path) -> Path:
        """Return the name under which a replaced file stays."""
        return path.with_name(f"{path.name}.before-{self.stamp}")


async def restore_backup(
    settings: Settings, source: Path, *, force: bool, opener: Opener, stages: Stages
) -> Restored:
    """Put the store in the backup *source* where *settings* have it.

    A file is unpacked and verified beside it first, the audit log included; then it takes the
    place of what was there, which must be empty unless *force* and is kept under another name.
    A database must be empty; it cannot be used before all of it is there and verified. Raises
    `BackupError`, `StoreUnavailable`; nothing is replaced then.
    """
    if is_postgres(store_url(settings)):
        if force:
            raise BackupError("--force replaces files; restore into a database that is empty")
        return await _restore_database(settings, source, opener=opener, stages=stages)
    return await _restore_file(settings, source, force=force, opener=opener, stages=stages)


async def _restore_database(
    settings: Settings, source: Path, *, opener: Opener, stages: Stages
) -> Restored:
    checked = check_export(source, opener=opener, stages=stages)
    carried = await import_checked(
        settings, source, checked=checked, opener=opener, stages=stages, note=_note_of(checked)
    )
    return Restored(
        store=carried.store,
        backup_made_at=checked.header.made_at,
        issuers=checked.header.issuers,
        events=sum(log.events for log in carried.logs),
        keys="restored" if checked.header.keys != "absent" else "present",
        key_file=carried.keys,
    )


def _note_of(checked: Checked) -> Note:
    def note(issuer: str) -> Event:
        return _restoring(issuer, checked.header.made_at, checked.end.sha256)

    return note


async def _restore_file(
    settings: Settings, source: Path, *, force: bool, opener: Opener, stages: Stages
) -> Restored:
    files = _Files(database_path(settings), key_path(settings), f"{now():%Y%m%dT%H%M%SZ}")
    with decrypting(source, opener) as stream, _opened(stream, source) as backup:
        keeps = await _has_content(files.database)
        if keeps and not force:
            raise BackupError(
                f"there is a store at {files.database}; --force replaces it and keeps it under "
                "another name"
            )
        _stop_if_in_use(files.database)
        keys = _judge_keys(backup.manifest, files.key_file, may_replace=force or not keeps)
        files.database.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(
            dir=files.database.parent, prefix=f".{files.database.name}."
        ) as folder:
            new = _unpacked(backup, Path(folder), with_keys=keys == "restored", stages=stages)
            issuers, events = await _verified(new[DATABASE], backup.manifest, stages)
            become_one_file(new[DATABASE])
            kept = _put_in_place(files, new, keeps=keeps)
    return Restored(
        store=str(files.database),
        backup_made_at=backup.manifest.made_at,
        issuers=issuers,
        events=events,
        keys=keys,
        key_file=str(files.key_file),
        kept=kept,
    )


@contextmanager
def _opened(stream: BufferedReader, source: Path) -> Iterator[ReadableBackup]:
    if stream.peek(len(BEGINNING)).startswith(BEGINNING):
        raise BackupError(f"{source} is an export, as of PostgreSQL: registrary import reads it")
    with open_backup(stream, str(source)) as backup:
        yield backup


async def _has_content(database: Path) -> bool:
    """Tell whether something would be lost with what lies at *database*."""
    try:
        return not _is_empty_file(database) and await _has_issuers(database)
    except StoreUnavailable:
        return True


def _is_empty_file(database: Path) -> bool:
    if not database.exists() or database.stat().st_size == 0:
        return True
    return upkeep.info(database).schema_version == 0


async def _has_issuers(database: Path) -> bool:
    store = open_sqlite(database, migrate=False)
    try:
        return bool(await store.issuers())
    finally:
        await store.close()


def _stop_if_in_use(database: Path) -> None:
    """Find out at once, not after reading the whole backup."""
    if database.exists():
        with alone_with(database):
            pass


def _judge_keys(manifest: Manifest, key_file: Path, *, may_replace: bool) -> Keys:
    """Tell where the keys will come from; raises `BackupError` when they would not fit."""
    there, needed = key_ids_in(key_file), set(manifest.key_ids or ())
    if there is not None and needed <= set(there):
        return "present"
    if manifest.has_keys:
        if key_file.exists() and not may_replace:
            raise BackupError(
                f"{key_file} holds other keys than the backup; --force replaces it and keeps it "
                "under another name"
            )
        return "restored"
    if key_file.exists():
        raise BackupError(
            f"{key_file} lacks keys that the store in the backup needs; put the key file of that "
            "store there, or move this one away"
        )
    return "missing"


def _unpacked(
    backup: ReadableBackup, folder: Path, *, with_keys: bool, stages: Stages
) -> dict[str, Path]:
    names = (DATABASE, KEYS) if with_keys else (DATABASE,)
    new = {name: folder / name for name in names}
    for name, path in new.items():
        backup.unpack(name, path, progress=stages("unpacking") if name == DATABASE else untold)
    try:
        if with_keys:
            FileKeys(new[KEYS])
    except KeyFileError as error:
        raise BackupError(f"{KEYS} in the backup cannot be used: {error}") from error
    return new


async def _verified(
    database: Path, manifest: Manifest, stages: Stages
) -> tuple[tuple[str, ...], int]:
    """Read all of the store in *database* and note in it that it was restored.

    Returns its issuers and how many events they have; raises `BackupError` for any fault.
    """
    store = open_sqlite(database)
    try:
        _refuse("the store", await store.problems())
        issuers, events = await store.issuers(), 0
        for issuer in issuers:
            progress = stages("verifying")
            verdict = await verify_kept_log(
                store, issuer, delays=DELAYS_OF_A_COPY, progress=progress
            )
            _refuse(f"the audit log of {issuer.url}", [str(fault) for fault in verdict.faults])
            events += verdict.events
            await _note_restoring(store, issuer.id, manifest)
    finally:
        await store.close()
    return tuple(issuer.url for issuer in issuers), events


def _refuse(what: str, faults: Sequence[str]) -> None:
    if faults:
        listed = "\n  ".join(faults[:FAULTS_SHOWN])
        raise BackupError(f"{what} in the backup is damaged; nothing was replaced\n  {listed}")


async def _note_restoring(store: SqliteStore, issuer: str, manifest: Manifest) -> None:
    """Write into the log that whatever came after the backup is not in it."""
    event = _restoring(issuer, manifest.made_at, manifest.files[DATABASE].sha256)
    await store.commit(Changes(events=(event,)))


def _restoring(issuer: str, made_at: datetime, sha256: str) -> Event:
    actor = Actor(ActorKind.OPERATOR, os.environ.get("USER"))
    return an_event(
        Occasion(issuer, SystemClock().now(), actor),
        Tag.STORE_RESTORED,
        draw=Draw(SystemEntropy().token_bytes(EVENT_DRAW_BYTES)),
        detail={"backup_made_at": made_at.isoformat(), "sha256": sha256},
    )


def _put_in_place(files: _Files, new: dict[str, Path], *, keeps: bool) -> tuple[str, ...]:
    """Rename the files *new* over the old ones, which stay under other names if *keeps*.

    Keys go first: a crash in between is mended by one more restore, which finds them in files.
    """
    kept: tuple[str, ...] = ()
    if KEYS in new:
        # Keys are kept in any case: nothing says that no other store needs them.
        kept += _replaced(files, files.key_file, new[KEYS], keeps=True)
    if not files.database.exists():
        _set_companions_aside(files)
        return kept + _replaced(files, files.database, new[DATABASE], keeps=False)
    with alone_with(files.database):
        _set_companions_aside(files)
        return kept + _replaced(files, files.database, new[DATABASE], keeps=keeps)


def _replaced(files: _Files, old: Path, new: Path, *, keeps: bool) -> tuple[str, ...]:
    kept: tuple[str, ...] = ()
    take_owner(old, new)
    if old.exists() and keeps:
        files.kept(old).hardlink_to(old)
        kept = (str(files.kept(old)),)
    new.replace(old)
    sync_folder(old.parent)
    return kept


def _set_companions_aside(files: _Files) -> None:
    """Rename what SQLite would read into whatever file stands in this place next."""
    kept = files.kept(files.database)
    for ending in COMPANIONS:
        companion = files.database.with_name(files.database.name + ending)
        if companion.exists():
            companion.replace(kept.with_name(kept.name + ending))
