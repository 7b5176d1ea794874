"""Putting the store of a backup in its place, once everything in it was verified."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, TypeAlias

import msgspec

from registrary.audit.verify import Delays
from registrary.config import Settings
from registrary.core.changes import Changes
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Tag
from registrary.keys.local import FileKeys, KeyFileError
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite import SqliteStore, open_sqlite, upkeep
from registrary.storage.sqlite.replacement import COMPANIONS, alone_with, become_one_file
from registrary.wiring.adapters import SystemClock, SystemEntropy, database_path
from registrary.wiring.backup_file import (
    DATABASE,
    KEYS,
    BackupError,
    Manifest,
    ReadableBackup,
    now,
    open_backup,
)
from registrary.wiring.backups import Stages, key_ids_in, sync_folder
from registrary.wiring.log_reading import untold, verify_kept_log
from registrary.wiring.offline import key_path

# What waited for its index when the backup was made has waited ever since: no fault of the log.
_HOWEVER_LONG: Final = timedelta(days=36_500)
_DELAYS: Final = Delays(merge=_HOWEVER_LONG, checkpoint=_HOWEVER_LONG)
_FAULTS_SHOWN: Final = 5

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
class _Place:
    """Where a store and its keys are to lie, and how what lies there is renamed."""

    database: Path
    key_file: Path
    stamp: str

    def kept(self, path: Path) -> Path:
        """Return the name under which a replaced file stays."""
        return path.with_name(f"{path.name}.before-{self.stamp}")


def restore_backup(settings: Settings, source: Path, *, force: bool, stages: Stages) -> Restored:
    """Put the store in the backup *source* where *settings* have it.

    Everything is unpacked and verified beside it first, the audit log included; then it takes
    the place of what was there, which must be empty unless *force* and is kept under another
    name. Raises `BackupError`, `StoreUnavailable`; nothing is replaced then.
    """
    place = _Place(database_path(settings), key_path(settings), f"{now():%Y%m%dT%H%M%SZ}")
    with open_backup(source) as backup:
        keeps = _has_content(place.database)
        if keeps and not force:
            raise BackupError(
                f"there is a store at {place.database}; --force replaces it and keeps it under "
                "another name"
            )
        _stop_if_in_use(place.database)
        keys = _judge_keys(backup.manifest, place.key_file, may_replace=force or not keeps)
        place.database.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(
            dir=place.database.parent, prefix=f".{place.database.name}."
        ) as folder:
            new = _unpacked(backup, Path(folder), with_keys=keys == "restored", stages=stages)
            issuers, events = asyncio.run(_verified(new[DATABASE], backup.manifest, stages))
            become_one_file(new[DATABASE])
            kept = _put_in_place(place, new, keeps=keeps)
    return Restored(
        store=str(place.database),
        backup_made_at=backup.manifest.made_at,
        issuers=issuers,
        events=events,
        keys=keys,
        key_file=str(place.key_file),
        kept=kept,
    )


def _has_content(database: Path) -> bool:
    """Tell whether something would be lost with what lies at *database*."""
    if not database.exists() or database.stat().st_size == 0:
        return False
    try:
        return upkeep.info(database).schema_version > 0 and asyncio.run(_has_issuers(database))
    except StoreUnavailable:
        return True


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
            verdict = await verify_kept_log(store, issuer, delays=_DELAYS, progress=progress)
            _refuse(f"the audit log of {issuer.url}", [str(fault) for fault in verdict.faults])
            events += verdict.events
            await _note_restoring(store, issuer.id, manifest)
    finally:
        await store.close()
    return tuple(issuer.url for issuer in issuers), events


def _refuse(what: str, faults: Sequence[str]) -> None:
    if faults:
        listed = "\n  ".join(faults[:_FAULTS_SHOWN])
        raise BackupError(f"{what} in the backup is damaged; nothing was replaced\n  {listed}")


async def _note_restoring(store: SqliteStore, issuer: str, manifest: Manifest) -> None:
    """Write into the log that whatever came after the backup is not in it."""
    actor = Actor(ActorKind.OPERATOR, os.environ.get("USER"))
    event = an_event(
        Occasion(issuer, SystemClock().now(), actor),
        Tag.STORE_RESTORED,
        draw=Draw(SystemEntropy().token_bytes(EVENT_DRAW_BYTES)),
        detail={
            "backup_made_at": manifest.made_at.isoformat(),
            "sha256": manifest.files[DATABASE].sha256,
        },
    )
    await store.commit(Changes(events=(event,)))


def _put_in_place(place: _Place, new: dict[str, Path], *, keeps: bool) -> tuple[str, ...]:
    """Rename the files *new* over the old ones, which stay under other names if *keeps*.

    Keys go first: a crash in between is mended by one more restore, which finds them in place.
    """
    kept: tuple[str, ...] = ()
    if KEYS in new:
        # Keys are kept in any case: nothing says that no other store needs them.
        kept += _replaced(place, place.key_file, new[KEYS], keeps=True)
    if not place.database.exists():
        _set_companions_aside(place)
        return kept + _replaced(place, place.database, new[DATABASE], keeps=False)
    with alone_with(place.database):
        _set_companions_aside(place)
        return kept + _replaced(place, place.database, new[DATABASE], keeps=keeps)


def _replaced(place: _Place, old: Path, new: Path, *, keeps: bool) -> tuple[str, ...]:
    kept: tuple[str, ...] = ()
    _take_owner(old, new)
    if old.exists() and keeps:
        place.kept(old).hardlink_to(old)
        kept = (str(place.kept(old)),)
    new.replace(old)
    sync_folder(old.parent)
    return kept


def _set_companions_aside(place: _Place) -> None:
    """Rename what SQLite would read into whatever file stands in this place next."""
    kept = place.kept(place.database)
    for ending in COMPANIONS:
        companion = place.database.with_name(place.database.name + ending)
        if companion.exists():
            companion.replace(kept.with_name(kept.name + ending))


def _take_owner(old: Path, new: Path) -> None:
    """Let a store that root restores be the server's: its file's owner's, or its folder's."""
    if os.geteuid() == 0:
        status = old.stat() if old.exists() else old.parent.stat()
        os.chown(new, status.st_uid, status.st_gid)
