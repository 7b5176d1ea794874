"""Seeing every address this process tries to connect to."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_watchers: Final[list[list[str]]] = []


@contextmanager
def watched_connections() -> Iterator[list[str]]:
    """Collect the host part of every address passed to a socket's ``connect`` inside the block.

    Taken from the interpreter's own audit events, so it sees what any library does in any thread;
    not what uvloop does, which connects without Python's sockets.
    """
    _install()
    seen: list[str] = []
    _watchers.append(seen)
    try:
        yield seen
    finally:
        # By identity: lists that are equal are not the same watcher.
        _watchers[:] = [watcher for watcher in _watchers if watcher is not seen]


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect" or not _watchers:
        return
    address = arguments[1]
    host = str(address[0] if isinstance(address, tuple) else address)
    for watcher in _watchers:
        watcher.append(host)


def _install(*, installed: list[bool] = []) -> None:  # noqa: B006 - remembers the first call
    # An audit hook cannot be taken away again, so it is put in once, and only for who asks.
    if not installed:
        sys.addaudithook(_listen)
        installed.append(True)
