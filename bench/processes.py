"""Processes of the bench: started together with all they need to end, and their clocks."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_STOP_SECONDS = 10.0
_LIBC = ctypes.CDLL(None)


class Missing(Exception):
    """Something this machine does not have; what needs it is left out of the tables."""


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of ``/proc/<pid>/stat`` the bench needs, times in clock ticks."""

    parent: int
    own_ticks: int
    reaped_ticks: int
    started: int


def parse_stat(text: str) -> Stat:
    """Read one line of ``/proc/<pid>/stat``; the command in parentheses may hold anything."""
    fields = text[text.rindex(")") + 2 :].split()
    user, system, reaped_user, reaped_system = (int(field) for field in fields[11:15])
    return Stat(int(fields[1]), user + system, reaped_user + reaped_system, int(fields[19]))


def tree(root: int) -> dict[int, Stat]:
    """Return *root* and all its living descendants."""
    stats = {pid: stat for pid in _pids() if (stat := _stat(pid))}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, stat in stats.items():
        children[stat.parent].append(pid)
    found, waiting = {}, [root]
    while waiting:
        pid = waiting.pop()
        if pid in stats:
            found[pid] = stats[pid]
            waiting += children[pid]
    return found


def cpu_seconds(root: int) -> float:
    """Return user and system time of *root* and its descendants, those already reaped included."""
    return sum(stat.own_ticks + stat.reaped_ticks for stat in tree(root).values()) / _TICKS


def resident_bytes(root: int) -> int:
    """Return the resident memory of *root* and its descendants; shared pages count in each."""
    total = 0
    for pid in tree(root):
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


@contextmanager
def running(
    command: Sequence[str],
    *,
    log: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
    user: pwd.struct_passwd | None = None,
    folder: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    piped: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """Run *command* for the length of the block; whatever happens, its whole group has ended then.

    The process leads a session of its own, so that Ctrl-C reaches the bench alone, which then ends
    its children in order; should the bench be killed outright, the kernel ends them.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
        stdout=subprocess.PIPE if piped else log,
        stderr=None if piped else log,
        text=True,
        env={**os.environ, **(environment or {})},
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        cwd=folder,
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - the bench has one thread
    )
    try:
        yield process
    finally:
        _stop(process, stop_signal)


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> Stat | None:
    try:
        return parse_stat(Path(f"/proc/{pid}/stat").read_text(errors="replace"))
    except (FileNotFoundError, ProcessLookupError):
        return None


def _end_with_parent() -> None:
    _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _stop(process: subprocess.Popen[str], stop_signal: signal.Signals) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    members = tree(process.pid)
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"killing {process.args!r}: it did not stop", file=sys.stderr)
    for pid, before in members.items():
        now = _stat(pid)
        # A number may belong to another process by now; its time of birth tells.
        if now and now.started == before.started:
            os.kill(pid, signal.SIGKILL)
    process.wait()
