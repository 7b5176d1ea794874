"""The real server on a disk that fails while a file says so; run by the tests beside it.

python faulty_server.py ORDERS ARGUMENT...

The disk is a layer below SQLite that looks into the file ORDERS before each write: no machine has
to be asked for a small disk, and every one can fill this one.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import apsw

from registrary.cli.main import main

ERRORS: dict[str, Callable[[], apsw.Error]] = {
    "full": lambda: apsw.FullError("no space left"),
    "broken": lambda: apsw.IOError("no luck"),
    "read-only": lambda: apsw.ReadOnlyError("mounted anew"),
}


class Disk(apsw.VFS):
    """The disk of this process, under every file that SQLite opens."""

    def __init__(self, orders: Path) -> None:
        self.base = apsw.vfs_names()[0]
        self._orders = orders
        super().__init__("faulty", self.base, makedefault=True)

    @property
    def order(self) -> str:
        """Return what the disk shall do now; empty for what it should."""
        return self._orders.read_text() if self._orders.exists() else ""

    def check(self) -> None:
        """Fail if that is the order."""
        if error := ERRORS.get(self.order):
            raise error()

    def xOpen(self, name, flags):  # noqa: N802 - SQLite's word
        """Open a file of this disk; what is mounted read-only is opened so."""
        if self.order == "read-only":
            flags[0] &= ~(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
            flags[0] |= apsw.SQLITE_OPEN_READONLY
        return File(self, name, flags)


class File(apsw.VFSFile):
    """A file on a `Disk`."""

    def __init__(self, disk: Disk, name, flags) -> None:
        super().__init__(disk.base, name, flags)
        self._disk = disk

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's word
        """Write, unless the disk fails."""
        self._disk.check()
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's word
        """Cut, unless the disk fails."""
        self._disk.check()
        super().xTruncate(newsize)


if __name__ == "__main__":
    disk = Disk(Path(sys.argv.pop(1)))
    main()
