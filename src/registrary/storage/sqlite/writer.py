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
from registrary.storage.sqlite.connection import connect_writer
from registrary.storage.sqlite.errors import OUTAGES, unavailable
from registrary.storage.sqlite.gathering import Gathering
from registrary.storage.sqlite.transaction import (
    Outcome,
    Work,
    write_one_by_one,
    write_together,
)


class WriteConnection:
    """The connection that writes, opened when needed and again after an outage."""

    def __init__(self, path: Path, *, vfs: str | None = None) -> None:
        self._path = path
        self._vfs = vfs
        self._connection: apsw.Connection | None = None

    def write(self, batch: Sequence[Work]) -> list[Outcome]:
        """Write *batch* in one transaction and return the outcome of each.

        Raises `StoreUnavailable` when the machine failed: then nothing of it was written.
        """
        try:
            return self._write(batch)
        except OUTAGES as error:
            # A new connection knows the file as it is after the outage: grown, remounted, moved.
            self.close()
            raise unavailable(error, self._path) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file; a transaction under way is rolled back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(apsw.Error):
                connection.close(force=True)

    def _write(self, batch: Sequence[Work]) -> list[Outcome]:
        if self._connection is None:
            self._connection = connect_writer(self._path, vfs=self._vfs)
        connection = self._connection
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
