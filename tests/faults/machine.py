"""A machine whose clock jumps and whose disk is slow or full, for one process and on order."""

import mmap
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("shim") / "faults.c"
_CLOCK, _SYNC, _FULL, _FELT = range(4)
_NUMBER: Final = struct.Struct("=q")


@dataclass(frozen=True, slots=True)
class Machine:
    """What a process feels that was started with `environment`, while it runs.

    *disks* are parts of the paths of files; those of a full disk cannot grow.
    """

    library: Path
    orders: Path
    disks: Sequence[str]
    _mapped: mmap.mmap

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that put a process on this machine."""
        return {
            "LD_PRELOAD": str(self.library),
            "FAULT_ORDERS": str(self.orders),
            "FAULT_FULL": ":".join(self.disks),
        }

    @property
    def felt(self) -> int:
        """Return how often a slow or full disk was felt."""
        return self._get(_FELT)

    def step_clock(self, seconds: int) -> None:
        """Put the wall clock *seconds* ahead of the true time, or behind it."""
        self._set(_CLOCK, seconds)

    def slow_disk(self, seconds: float) -> None:
        """Let every forcing to disk take *seconds* longer."""
        self._set(_SYNC, int(seconds * 1000))

    def fill_disk(self, disk: str) -> None:
        """Leave no space on *disk*."""
        self._set(_FULL, self._get(_FULL) | 1 << self.disks.index(disk))

    def free_disks(self) -> None:
        """Give every disk its space back."""
        self._set(_FULL, 0)

    def heal(self) -> None:
        """Take every order back."""
        for number in (_CLOCK, _SYNC, _FULL):
            self._set(number, 0)

    def _set(self, number: int, value: int) -> None:
        _NUMBER.pack_into(self._mapped, number * _NUMBER.size, value)

    def _get(self, number: int) -> int:
        value: int = _NUMBER.unpack_from(self._mapped, number * _NUMBER.size)[0]
        return value


@contextmanager
def faulty_machine(*disks: str) -> Iterator[Machine]:
    """Build what processes are to feel; any user's may run on it."""
    folder = Path(tempfile.mkdtemp(prefix="registrary-machine-"))
    library, orders = folder / "faults.so", folder / "orders"
    try:
        command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True)
        orders.write_bytes(bytes(4 * _NUMBER.size))
        folder.chmod(0o755)
        orders.chmod(0o666)
        with orders.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as mapped:
            yield Machine(library, orders, disks, mapped)
    finally:
        shutil.rmtree(folder)
