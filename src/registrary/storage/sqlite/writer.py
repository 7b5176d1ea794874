"""The one thread of a process that writes."""

import asyncio
from asyncio import AbstractEventLoop, Future
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import apsw

from registrary.ports.store import StoreUnavailable
from registrary.storage.shared.gathering import Gathering
from registrary.storage.sqlite.connection import connect_writer
from registrary.storage.sqlite.errors import OUTAGES, unavailable
from registrary.storage.sqlite.transaction import (
    Outcome,
    Work,
    write_one_by_one,
    write_together,
)


class WriteConnection:
    """The connection that writes, opened when needed and again after an outage.

    A write that fails at its very end, when it cannot be forced to disk, stands complete in
    the write-ahead log. Only the index over that log, which is shared in memory, does not
    count it, and the next write takes its place. The index is made anew from the log, and
    the failed write found again, once nobody has the file open. So the connection that failed
    is kept until its successor has the file open too. A process that dies between such a
    failure and the next write can still find it afterwards.
    """

    def __init__(self, path: Path, *, vfs: str | None = None) -> None:
        self._path = path
        self._vfs = vfs
        self._connection: apsw.Connection | None = None
        self._has_failed = False

    def write(self, batch: Sequence[Work]) -> list[Outcome]:
        """Write *batch* in one transaction and return the outcome of each.

        Raises `StoreUnavailable` when the machine failed: then nothing of it was written.
        """
        try:
            return self._write(self._connected(), batch)
        except BaseException as error:
            self._fail()
            if isinstance(error, OUTAGES):
                raise unavailable(error, self._path) from error
            raise

    def close(self) -> None:
        """Let go of the file; a transaction under way is rolled back."""
        connection, self._connection = self._connection, None
        _close(connection)

    def _connected(self) -> apsw.Connection:
        """Return a connection that knows the file as it is: grown, remounted, made writable."""
        if self._connection is None or self._has_failed:
            fresh = connect_writer(self._path, vfs=self._vfs)
            fresh.execute("SELECT 1 FROM schema_version LIMIT 1").fetchall()  # opens the log too
            failed, self._connection, self._has_failed = self._connection, fresh, False
            _close(failed)
        return self._connection

    def _fail(self) -> None:
        self._has_failed = True
        if self._connection is not None and self._connection.in_transaction:
            with suppress(apsw.Error):
                self._connection.execute("ROLLBACK")

    def _write(self, connection: apsw.Connection, batch: Sequence[Work]) -> list[Outcome]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = write_together(connection, batch)
        except OUTAGES:
            raise
        except Exception:  # noqa: BLE001 - the second way gives it to the one who caused it
            connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            outcomes = write_one_by_one(connection, batch, OUTAGES)
        connection.execute("COMMIT")
        return outcomes


def _close(connection: apsw.Connection | None) -> None:
    if connection is not None:
        with suppress(apsw.Error):
            connection.close(force=True)


_Job = tuple[Work, "Future[None]"]
"""Work, and the future of the one who waits for it."""


class Writer:
    """Gathers work on the event loop, writes it in a thread, and wakes those who wait for it.

    The thread starts with the first work, on whose loop everything then happens. A waiter that
    was cancelled is passed over when the others are woken; its work is written all the same.
    """

    def __init__(self, path: Path, *, vfs: str | None = None) -> None:
        self._path = path
        self._connection = WriteConnection(path, vfs=vfs)
        self._running: _Running | None = None
        self._is_closed = False

    def write(self, work: Work) -> "Future[None]":
        """Return the future of *work*: done when it is on disk, else failed with the reason."""
        if self._is_closed:
            raise StoreUnavailable(f"{self._path}: the store is closed")
        if self._running is None:
            self._running = _Running(asyncio.get_running_loop(), self._connection)
        return self._running.write(work)

    async def close(self) -> None:
        """Refuse further work, write what waits, and let go of the file."""
        self._is_closed = True
        if self._running is not None:
            await self._running.stop()
            self._running = None


class _Running:
    """A writer at work: the thread, and the loop it serves."""

    def __init__(self, loop: AbstractEventLoop, connection: WriteConnection) -> None:
        self._loop = loop
        self._connection = connection
        self._batches: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._gathering: Gathering[_Job] = Gathering(loop, self._batches.put)
        self._drained: Future[None] | None = None
        # A daemon: a process that ends without closing its store loses nothing acknowledged.
        self._thread = Thread(target=self._write_batches, name="sqlite-writer", daemon=True)
        self._thread.start()

    def write(self, work: Work) -> "Future[None]":
        waiter: Future[None] = self._loop.create_future()
        self._gathering.add((work, waiter))
        return waiter

    async def stop(self) -> None:
        if not self._gathering.is_idle:
            self._drained = self._loop.create_future()
            await self._drained
        self._batches.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _write_batches(self) -> None:
        """Run in the thread until told to stop."""
        while (batch := self._batches.get()) is not None:
            try:
                outcomes = self._connection.write([work for work, _ in batch])
            except Exception as error:  # noqa: BLE001 - raised again to everyone who waits
                outcomes = [error] * len(batch)
            with suppress(RuntimeError):  # the loop is gone, and with it those who waited
                self._loop.call_soon_threadsafe(self._settle, batch, outcomes)
        self._connection.close()

    def _settle(self, batch: list[_Job], outcomes: list[Outcome]) -> None:
        """Tell everyone in *batch* on the loop, before the next batch is considered."""
        for (_, waiter), outcome in zip(batch, outcomes, strict=True):
            if waiter.done():
                continue
            if outcome is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(outcome)
        self._gathering.written(len(batch))
        if self._drained is not None and self._gathering.is_idle and not self._drained.done():
            self._drained.set_result(None)
