"""The real server on a disk that forgets what was not forced to it; run by the tests beside it.

python volatile_server.py ARGUMENT...

A process that is killed leaves its writes to the kernel, which finishes them; a power cut does not.
Here writes stay in memory until SQLite demands that they be on disk, but for some that get there
early and in no order, as they do from a real cache. Killing this process is a power cut.
"""

import random
from pathlib import Path
from threading import Lock
from typing import Final

import apsw

from registrary.cli.main import main

EARLY: Final = 0.3  # of all writes, the share that is on disk before anybody demands it


class Content:
    """A file as its users see it, and what of it is on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._octets = bytearray(path.read_bytes() if path.exists() else b"")
        self._waiting: list[tuple[int, bytes] | int] = []  # writes, and lengths to cut to
        self._lock = Lock()
        self._chance = random.Random()

    @property
    def size(self) -> int:
        """Return how long the file seems."""
        return len(self._octets)

    def read(self, amount: int, offset: int) -> bytes:
        """Return what was written, wherever it is by now."""
        with self._lock:
            return bytes(self._octets[offset : offset + amount])

    def write(self, octets: bytes, offset: int) -> None:
        """Write to memory, and by chance to disk."""
        with self._lock:
            behind = offset + len(octets)
            self._octets.extend(bytes(max(0, behind - len(self._octets))))
            self._octets[offset:behind] = octets
            if self._chance.random() < EARLY:
                self._put(octets, offset)
            self._waiting.append((offset, octets))

    def cut(self, size: int) -> None:
        """Cut the file, in memory."""
        with self._lock:
            del self._octets[size:]
            self._waiting.append(size)

    def force(self) -> None:
        """Bring to disk what waits."""
        with self._lock:
            for step in self._waiting:
                if isinstance(step, int):
                    with self._path.open("r+b") as stream:
                        stream.truncate(step)
                else:
                    self._put(step[1], step[0])
            self._waiting.clear()

    def _put(self, octets: bytes, offset: int) -> None:
        with self._path.open("r+b") as stream:
            stream.seek(offset)
            stream.write(octets)


class Disk(apsw.VFS):
    """The disk of this process, under every file that SQLite opens."""

    def __init__(self) -> None:
        self.base = apsw.vfs_names()[0]
        self._contents: dict[str, Content] = {}
        super().__init__("volatile", self.base, makedefault=True)

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's word
        """Open a file of this disk."""
        return File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802 - SQLite's call
        """Delete a file for good."""
        self._contents.pop(filename, None)
        super().xDelete(filename, syncdir)

    def content(self, filename: str) -> Content:
        """Return what all who have *filename* open share."""
        return self._contents.setdefault(filename, Content(Path(filename)))


class File(apsw.VFSFile):
    """A file on a `Disk`."""

    def __init__(self, disk: Disk, name, flags) -> None:
        super().__init__(disk.base, name, flags)
        filename = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._content = disk.content(filename)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's word
        """Return what was written."""
        return self._content.read(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's word
        """Write where a power cut may undo it."""
        self._content.write(bytes(data), offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's word
        """Cut where a power cut may undo it."""
        self._content.cut(newsize)

    def xFileSize(self) -> int:  # noqa: N802 - SQLite's word
        """Return how long the file seems."""
        return self._content.size

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's word
        """Bring to disk what was written."""
        self._content.force()
        super().xSync(flags)


if __name__ == "__main__":
    disk = Disk()
    main()
