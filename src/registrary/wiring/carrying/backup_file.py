"""The form of a backup: a tar archive that says what is in it before it holds it.

Any tar program unpacks one, so a backup outlives this program. The members, in this order:

``manifest.json``
    `Manifest`: which form, made when and by what, and size and SHA-256 of each further member.
``registrary.db``
    The store: one SQLite file, as it was at one moment.
``registrary.db.keys``
    The key file, only where it was asked for.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal

import msgspec

FORMAT: Final = "registrary-backup/1"
MANIFEST: Final = "manifest.json"
DATABASE: Final = "registrary.db"
KEYS: Final = "registrary.db.keys"
PIECE_BYTES: Final = 1024 * 1024
_MANIFEST_LIMIT_BYTES: Final = 64 * 1024
_OWNER_ALONE: Final = 0o600

Progress = Callable[[int, int], None]
"""Is told how much is done, and of how much."""

Stages = Callable[[str], Progress]
"""Is told which stage begins, and returns what is told how far it is."""


class BackupError(Exception):
    """A backup cannot be made or used; the text is for operators and says what to do."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the archive: how long it is, and what it hashes to."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself.

    *schema_version* is that of the store's tables. *key_ids* name the keys the store needs, and
    are no secret; None when there was no key file to look at.
    """

    format: Literal["registrary-backup/1"]
    made_by: str
    made_at: datetime
    schema_version: int
    key_ids: tuple[str, ...] | None
    files: dict[str, Part]

    @property
    def has_keys(self) -> bool:
        """Tell whether the key file is in the backup."""
        return KEYS in self.files


def part_of(path: Path) -> Part:
    """Return what a manifest says of the file *path*, which is read whole."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while piece := stream.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
    return Part(bytes=size, sha256=digest.hexdigest())


def write_backup(
    stream: BinaryIO, manifest: Manifest, parts: Sequence[tuple[str, Path]], *, progress: Progress
) -> None:
    """Write *parts*, by name, to *stream*."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        document = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
        archive.addfile(_member(MANIFEST, len(document), manifest), io.BytesIO(document))
        for name, path in parts:
            size = manifest.files[name].bytes
            with path.open("rb", buffering=0) as file:
                content = _Counted(file, size, progress)
                archive.addfile(_member(name, size, manifest), content)


class ReadableBackup:
    """A backup that is open, its manifest read; the members follow in their order."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self.manifest = _manifest_in(archive)

    def unpack(self, name: str, target: Path, *, progress: Progress) -> None:
        """Write the next member, which must be *name*, to the new file *target* and sync it.

        Raises `BackupError` when it is not what the manifest says.
        """
        expected = self.manifest.files[name]
        digest, size = hashlib.sha256(), 0
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ALONE)
        with os.fdopen(descriptor, "wb") as stream:
            for piece in _pieces(self._archive, name):
                stream.write(piece)
                digest.update(piece)
                size += len(piece)
                progress(size, expected.bytes)
            stream.flush()
            os.fsync(stream.fileno())
        if Part(bytes=size, sha256=digest.hexdigest()) != expected:
            raise BackupError(f"{name} in the backup is damaged; use another backup")


@contextmanager
def open_backup(stream: BinaryIO, name: str) -> Iterator[ReadableBackup]:
    """Open the backup in *stream*; raises `BackupError` when it is none, or is cut off."""
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            yield ReadableBackup(archive)
    except tarfile.TarError as error:
        raise BackupError(f"{name}: this is no backup, or it was cut off") from error


def _member(name: str, size: int, manifest: Manifest) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = _OWNER_ALONE
    member.mtime = int(manifest.made_at.timestamp())
    return member


def _manifest_in(archive: tarfile.TarFile) -> Manifest:
    document = b"".join(_pieces(archive, MANIFEST, limit_bytes=_MANIFEST_LIMIT_BYTES))
    try:
        manifest = msgspec.json.decode(document, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BackupError("its manifest is damaged, or of a version not known here") from error
    if DATABASE not in manifest.files or not manifest.files.keys() <= {DATABASE, KEYS}:
        raise BackupError("its manifest does not list what a backup holds")
    return manifest


def _pieces(
    archive: tarfile.TarFile, name: str, *, limit_bytes: int | None = None
) -> Iterator[bytes]:
    """Yield the content of the next member. Names in an archive never become paths."""
    member = archive.next()
    if member is None or member.name != name or not member.isreg():
        raise BackupError(f"{name} is not where a backup has it")
    if limit_bytes is not None and member.size > limit_bytes:
        raise BackupError(f"{name} is too long")
    stream = archive.extractfile(member)
    while stream is not None and (piece := stream.read(PIECE_BYTES)):
        yield piece


class _Counted(io.BufferedReader):
    """A file that tells how far it was read."""

    def __init__(self, file: io.FileIO, size: int, progress: Progress) -> None:
        super().__init__(file, PIECE_BYTES)
        self._size = size
        self._progress = progress

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self._progress(self.tell(), self._size)
        return piece


def now() -> datetime:
    """Return the current time, in whole seconds: backups are not made oftener."""
    return datetime.now(UTC).replace(microsecond=0)
