"""The key-encryption key of who named none: a file of this account, made when needed first."""

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from registrary.keys.encryption import new_encryption_key
from registrary.keys.folders import sync_folder
from registrary.ports.kept_store import KeysUnusable

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_BYTES: Final = 1024
_log: Final = logging.getLogger("registrary.keys")


def encryption_key_file(environment: Mapping[str, str]) -> Path:
    """Return where this account keeps the key: below the folder of its programs' state."""
    state = environment.get("XDG_STATE_HOME")
    folder = Path(state) if state else Path(environment.get("HOME", "/")) / ".local" / "state"
    return folder / "registrary" / "postgresql.key"


def read_encryption_key(path: Path) -> str | None:
    """Return what the file holds, None when there is none. Raises `KeysUnusable`."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeysUnusable(f"key file {path}", f"it cannot be read: {error.strerror}") from error
    if mode & _OTHERS:
        advice = f"others may use it (mode {mode:04o}); run: chmod 600 {path}"
        raise KeysUnusable(f"key file {path}", advice)
    return text.decode("ascii", "replace")


def make_encryption_key(path: Path) -> str:
    """Put a fresh key into the file and return it; of several at once, all return the first one's.

    The file is whole and durable before it is seen. Raises `KeysUnusable`.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            _write(temporary)
            _show(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        text = f"it cannot be made ({error.strerror}); name a key in keys.encryption_key"
        raise KeysUnusable(f"key file {path}", text) from error
    return read_encryption_key(path) or ""


def _write(temporary: Path) -> None:
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(f"{new_encryption_key(os.urandom)}\n")
        stream.flush()
        os.fsync(stream.fileno())


def _show(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)  # unlike a rename, this never replaces a key made meanwhile
    except FileExistsError:
        return
    sync_folder(path.parent)
    _log.warning(
        "made %s: the keys in PostgreSQL are sealed under it. Copy it to a safe place, and to "
        "every machine that runs a server on this database",
        path,
    )
