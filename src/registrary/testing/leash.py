"""Run a command that ends when whoever started it does, however that happens.

Standard input is the leash: nobody writes on it, and the kernel lets go of it when its holder dies.
Where many hold it, each has a shared lock on the file of ``--until-free``.
``python leash.py [--user UID:GID] [--remove FOLDER] [--until-free FILE] COMMAND...``; the exit code
is the command's.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import threading
from argparse import REMAINDER, ArgumentParser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

_GRACE_SECONDS: Final = 15.0
_SET_CHILD_SUBREAPER: Final = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)


def main() -> None:
    """Run the command, and clean up where nobody is left to do it."""
    parser = ArgumentParser()
    parser.add_argument("--user")
    parser.add_argument("--remove")
    parser.add_argument("--until-free")
    parser.add_argument("command", nargs=REMAINDER)
    options = parser.parse_args()
    # What is sent to all at once, as by a terminal, is for whoever holds the leash to act on.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # Processes whose parent was killed come to us, so that none stays in the table of the machine.
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)
    user, group = options.user.split(":") if options.user else (None, None)
    process = subprocess.Popen(  # noqa: S603 - the command is the caller's
        options.command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        user=user and int(user),
        group=group and int(group),
        extra_groups=[] if user else None,
    )
    loose = threading.Event()
    wait = partial(_wait_until_free, options.until_free) if options.until_free else _wait_for_end
    threading.Thread(target=_watch, args=(process, loose, wait), daemon=True).start()
    code = process.wait()
    _bury()
    if loose.is_set() and options.remove:
        shutil.rmtree(Path(options.remove), ignore_errors=True)
    # Not sys.exit: it waits for the thread's lock on standard input.
    os._exit(code if code >= 0 else 128 - code)


def _bury() -> None:
    """Wait for the processes that the command left behind."""
    try:
        while True:
            os.wait()
    except ChildProcessError:
        return


def _wait_for_end() -> None:
    """Return when nobody can write on standard input any more."""
    while os.read(0, 1024):
        pass


def _wait_until_free(path: str) -> None:
    """Return when nobody has a lock on the file at *path*."""
    with Path(path).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def _watch(
    process: "subprocess.Popen[bytes]", loose: threading.Event, wait: Callable[[], None]
) -> None:
    """End *process* once nobody holds the leash."""
    wait()
    loose.set()
    process.send_signal(signal.SIGQUIT)
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    main()
