"""What ``registrary doctor`` finds about a store in a SQLite file."""

import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from registrary.config import Settings, SettingsError
from registrary.ports.kept_store import KeysUnusable
from registrary.ports.store import StoreUnavailable
from registrary.storage.sqlite import upkeep
from registrary.wiring.adapters import database_path, open_vault
from registrary.wiring.health import Finding, examine
from registrary.wiring.offline import key_path

FREE_BYTES: Final = 512 * 1024 * 1024  # less free disk than this is worth a warning
WAL_BYTES: Final = 256 * 1024 * 1024  # a write-ahead log that is copied back stays below 16 MiB
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_SHOWN: Final = 5  # lines of what SQLite finds wrong
_RESTORE: Final = (
    "Stop the server, keep a copy of the files as they are, and restore the newest backup: "
    "registrary restore FILE --force."
)


async def examine_file(settings: Settings, *, thorough: bool) -> list[Finding]:
    """Return what is good and what is not about the file of *settings* and what is in it.

    *thorough* reads the whole file. Raises `SettingsError` when there is no store.
    """
    path = database_path(settings)
    if not path.exists():
        raise SettingsError(f"there is no store at {path}")
    findings = [_mode_of(path, "store mode"), _mode_of(key_path(settings), "key file mode")]
    try:
        info = upkeep.info(path)
        findings += _of_the_file(info, thorough=thorough)
        if info.schema_version == info.newest_schema_version:
            findings += await _of_the_content(settings)
    except KeysUnusable as error:
        findings.append(Finding("keys", good=False, seen=str(error)))
    except StoreUnavailable as error:
        findings.append(Finding("store", good=False, seen=str(error), advice=_RESTORE))
    return findings


def _of_the_file(info: upkeep.StoreInfo, *, thorough: bool) -> Iterator[Finding]:
    yield Finding("SQLite", good=True, seen=info.sqlite_version)
    yield _schema(info)
    yield Finding(
        "write-ahead log",
        info.wal_bytes <= WAL_BYTES,
        f"{info.wal_bytes // 1024} KiB beside {info.file_bytes // 1024} KiB",
        "Some process reads the store without end; find it with lsof and stop it.",
    )
    yield _disk(info.path)
    if thorough:
        yield _damage(upkeep.problems(info.path))


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(path.parent).free
    return Finding(
        "disk",
        free >= FREE_BYTES,
        f"{free // 2**20} MiB free beside {path.name}",
        "Make room. A full disk refuses registrations until there is space again.",
    )


def _mode_of(path: Path, name: str) -> Finding:
    if not path.exists():
        return Finding(name, good=False, seen=f"there is no {path}", advice="Put it back.")
    mode = stat.S_IMODE(path.stat().st_mode)
    seen = f"{mode:04o} {path.name}"
    return Finding(name, not mode & _OTHERS, seen, f"Others may use it; run: chmod 600 {path}")


def _schema(info: upkeep.StoreInfo) -> Finding:
    found, known = info.schema_version, info.newest_schema_version
    seen = f"version {found}" if found == known else f"version {found}, this program has {known}"
    advice = "Run the version that wrote it, or restore a backup from before the upgrade."
    if found < known:
        advice = "Make a backup, then run registrary migrate, or start the server."
    return Finding("schema", found == known, seen, advice)


def _damage(problems: Sequence[str]) -> Finding:
    seen = "; ".join(problems[:_SHOWN]) or "every page was read"
    return Finding("damage", not problems, seen, _RESTORE)


async def _of_the_content(settings: Settings) -> Sequence[Finding]:
    vault = await open_vault(settings, create=False)
    try:
        return await examine(vault)
    finally:
        await vault.store.close()
