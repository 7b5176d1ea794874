"""Key material in a file beside the database, and in memory for stores without one."""

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from registrary.core.secrets import PepperRing
from registrary.keys.folders import sync_folder
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
from registrary.ports.kept_store import KeysUnusable

MAX_FILE_BYTES: Final = 1_048_576
CHECK_INTERVAL_SECONDS: Final = 1.0  # between two looks at whether the file changed

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeyFileError(KeysUnusable):
    """The key file cannot be used. The text names it and says what to do, for operators."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"key file {path}", problem)
        self.path = path


def key_file_of(database: Path) -> Path:
    """Return where the keys of the SQLite file *database* are kept."""
    return database.with_name(database.name + ".keys")


def utc_now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


class MemoryKeys:
    """Keys that live as long as the process, for stores that do too."""

    def __init__(self, *, random_bytes: RandomBytes = os.urandom) -> None:
        now = utc_now()
        material = new_material(random_bytes, now=now)
        self._ring = material.ring(now)
        self._sealer = material.sealer(now)

    def peppers(self) -> PepperRing:
        """Return the peppers."""
        return self._ring

    def sealer(self) -> DataKeySealer:
        """Return what seals and unseals."""
        return self._sealer


class FileKeys:
    """Keys from a file of mode 0600, followed when another process changes it.

    A change counts within `CHECK_INTERVAL_SECONDS`. When the changed file cannot be used, or
    holds none of the keys in use, those read before stay in use and *problem* says why, for the
    readiness check and the log.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        """Read the keys in *path*; raises `KeyFileError` when it is missing or unusable."""
        self.path = path
        self._now = now
        self._monotonic = monotonic
        self._random_bytes = random_bytes
        self.problem: KeysUnusable | None = None
        self._read()

    @property
    def name(self) -> str:
        """Return which file it is."""
        return f"key file {self.path}"

    def peppers(self) -> PepperRing:
        """Return the peppers as they are now."""
        self._follow()
        return self._ring

    def sealer(self) -> DataKeySealer:
        """Return what seals and unseals now."""
        self._follow()
        return self._sealer

    async def follow(self) -> None:
        """See what another process changed."""
        self._follow()

    def rotate_pepper(self) -> None:
        """Add a pepper; digests made with the others stay good."""
        self._change(lambda old: with_new_pepper(old, self._random_bytes, now=self._now()))

    def rotate_data_key(self) -> None:
        """Add a data key; what the others sealed stays readable."""
        self._change(lambda old: with_new_data_key(old, self._random_bytes, now=self._now()))

    def rotate_wrapping_key(self) -> None:
        """Replace the key-encryption key and wrap the data keys anew."""
        self._change(lambda old: with_new_wrapping_key(old, self._random_bytes))

    def _change(self, change: Callable[[Material], Material]) -> None:
        with _locked(self.path):
            material, status = _load(self.path)
            owner = (status.st_uid, status.st_gid)
            _write(self.path, encode_material(change(material)), owner=owner)
        self._read()

    def _read(self, *, after: Material | None = None) -> None:
        seen = _identity(self.path)  # before reading: a change in between is seen next time
        material, _ = _load(self.path)
        if after is not None and not material.continues(after):
            # Under other keys every credential would be wrong, and clients would be told so.
            raise KeyFileError(self.path, "it holds none of the keys in use; put the old one back")
        self._material, self._seen = material, seen
        self._use(material)
        self._next_look = self._monotonic() + CHECK_INTERVAL_SECONDS

    def _use(self, material: Material) -> None:
        now = self._now()
        self._newest = material.newest(now)
        self._ring = material.ring(now)
        self._sealer = material.sealer(now)

    def _follow(self) -> None:
        if self._monotonic() < self._next_look:
            return
        self._next_look = self._monotonic() + CHECK_INTERVAL_SECONDS
        if _identity(self.path) != self._seen or self.problem is not None:
            try:
                self._read(after=self._material)
            except KeyFileError as error:
                self.problem = error
            else:
                self.problem = None
        elif self._material.newest(self._now()) != self._newest:
            self._use(self._material)


def create_key_file(path: Path, *, random_bytes: RandomBytes = os.urandom) -> bool:
    """Make fresh keys in *path* unless the file is there; tell whether it was made.

    Of several processes at once exactly one makes it, whole and durable before it is seen.
    Raises `KeyFileError` when the folder cannot be written.
    """
    if path.exists():
        return False
    with _locked(path):
        if path.exists():
            return False
        _write(path, encode_material(new_material(random_bytes, now=utc_now())))
    return True


def open_key_file(path: Path) -> FileKeys:
    """Return the keys in *path*, made now if there are none yet. Raises `KeyFileError`.

    For a store that is new. With a store that is not, a missing key file must be an error,
    which `FileKeys` raises: fresh keys would open nothing in it.
    """
    create_key_file(path)
    return FileKeys(path)


def _load(path: Path) -> tuple[Material, os.stat_result]:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            _check_status(path, status)
            document = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise KeyFileError(
            path, "it is missing; restore it, nothing in the database works without it"
        ) from None
    except OSError as error:
        raise KeyFileError(path, f"it cannot be read: {error.strerror}") from error
    if len(document) > MAX_FILE_BYTES:
        raise KeyFileError(path, "it is too long to be a key document")
    try:
        return decode_material(document), status
    except MaterialError as error:
        raise KeyFileError(path, str(error)) from error


def _check_status(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileError(path, "it is not a regular file")
    if status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise KeyFileError(path, f"others may use it (mode {mode:04o}); run: chmod 600 {path}")


def _identity(path: Path) -> tuple[int, int, int] | None:
    # Every change makes a new file, so its number alone would nearly do.
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _write_temporary(path: Path, document: bytes) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
    return temporary


def _write(path: Path, document: bytes, *, owner: tuple[int, int] | None = None) -> None:
    try:
        temporary = _write_temporary(path, document)
        if owner is not None and owner != (os.geteuid(), os.getegid()):
            # A command run by root must leave the file to the server's own account.
            os.chown(temporary, *owner)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise KeyFileError(path, f"it cannot be written: {error.strerror}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time write *path*.

    The lock is on the folder, because the file is replaced by each write, and ends with the
    process, so nobody has to clean up after a crash.
    """
    try:
        descriptor = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise KeyFileError(path, f"its folder cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
