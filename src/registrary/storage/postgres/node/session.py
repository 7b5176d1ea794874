"""The connection that a node keeps for itself, beside those that serve requests."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from registrary.ports.store import StoreUnavailable
from registrary.storage.postgres.address import Address
from registrary.storage.postgres.connecting import Database
from registrary.storage.postgres.errors import outage
from registrary.storage.postgres.line import Line, connect
from registrary.storage.postgres.node.feed import TableFeed
from registrary.storage.postgres.node.freshness import Freshness
from registrary.storage.postgres.node.leadership import LOCK, LockLeadership
from registrary.storage.postgres.options import PostgresOptions
from registrary.storage.postgres.watched import CHANNEL
from registrary.storage.shared.statements import statements

LOOK_EVERY_SECONDS: Final = 0.25  # where nobody calls
LOOK_SECONDS: Final = 1.0  # given to one look; what takes longer is worth nothing
CONNECT_SECONDS: Final = 2.0
# The server ends the session of a node that is silent for so long, and its leadership with it: a
# machine that lost its power closes no connection.
SILENCE: Final = "5s"
_GAP_SECONDS: Final = 0.01  # between two looks, however many call
_FIRST_PAUSE_SECONDS: Final = 0.05  # after a failure; twice as long each time
_LONGEST_PAUSE_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 2.0

_SQL: Final = statements(__package__, "node")
_log: Final = logging.getLogger("registrary.node")


class Session:
    """Looks at what other nodes change, and holds the lock of the leader or waits for it.

    It goes past a pooler where it can. Where it cannot, nothing calls it and there is no lock to
    be had (*leadership* is None then): it looks four times a second, and that is enough.
    """

    def __init__(
        self,
        url: str,
        options: PostgresOptions,
        *,
        freshness: Freshness,
        leadership: LockLeadership | None,
        store: Database,
    ) -> None:
        seconds = min(options.connect_seconds, CONNECT_SECONDS)
        self._address = Address(url)
        self._options = replace(options, connect_seconds=seconds)
        self._freshness = freshness
        self._leadership = leadership
        self._store = store
        self._called = asyncio.Event()
        self._looked = asyncio.Event()
        self._stops = False
        self._is_well = True
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, and return after the first look or when that takes too long."""
        self._task = asyncio.create_task(self._run(), name="node session")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._looked.wait()
        except TimeoutError:
            _log.warning("the first look at what other nodes change takes long")

    async def stop(self) -> None:
        """End the session, so that another node can lead at once."""
        if self._task is None:
            return
        self._stops = True
        self._called.set()
        _, late = await asyncio.wait([self._task], timeout=_STOP_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._stops:
            self._looked.clear()
            try:
                await self._keep()
            except Exception as error:  # noqa: BLE001 - the boundary of the session: it begins anew
                self._tell(error)
            pause = _FIRST_PAUSE_SECONDS if self._looked.is_set() else pause * 2
            await asyncio.sleep(min(pause, _LONGEST_PAUSE_SECONDS))

    async def _keep(self) -> None:
        """Connect, and look until the connection breaks or the session stops."""
        line = await connect(self._address, self._options)
        try:
            await self._compare(line)
            if self._leadership is not None:
                await self._prepare(line)
            while not self._stops:
                await self._look(line)
                await self._wait()
            await line.connection.close(timeout=LOOK_SECONDS)
        finally:
            line.hang_up()
            self._freshness.lose()
            if self._leadership is not None:
                self._leadership.lose()

    async def _compare(self, line: Line) -> None:
        """Make sure that what is looked at is what is written to.

        After a failover one URL may lead to the old server still; and two URLs are easily two
        databases. What changed would never be heard of.
        """
        with _deadline(line):
            here = await line.connection.fetchval(_SQL["identity"])
        if here != (await self._store.rows(_SQL["identity"]))[0][0]:
            raise StoreUnavailable(f"{self._address}: this is another database than the store's")

    async def _prepare(self, line: Line) -> None:
        with _deadline(line):
            await line.connection.fetchval(_SQL["hang_up_when_silent"], SILENCE)
            await line.connection.add_listener(CHANNEL, lambda *_: self._called.set())

    async def _look(self, line: Line) -> None:
        self._called.clear()
        with _deadline(line):
            await self._freshness.follow(TableFeed(line.connection))
            if self._leadership is not None:
                holds = self._leadership.holds_lock
                holds = holds or await line.connection.fetchval(_SQL["lead"], *LOCK)
                self._leadership.hear(holds_lock=holds)
        self._looked.set()
        if not self._is_well:
            self._is_well = True
            _log.info("the node follows what others change again")

    async def _wait(self) -> None:
        """Wait until somebody calls, or it is time anyway."""
        loop = asyncio.get_running_loop()
        rested_at = loop.time() + _GAP_SECONDS
        try:
            async with asyncio.timeout(LOOK_EVERY_SECONDS):
                await self._called.wait()
        except TimeoutError:
            return
        await asyncio.sleep(rested_at - loop.time())

    def _tell(self, error: Exception) -> None:
        """Log an outage once, and a mistake each time."""
        is_told = isinstance(error, StoreUnavailable)
        unavailable = error if is_told else outage(error, str(self._address))
        if unavailable is None:
            _log.error("the session of the node failed", exc_info=error)
        elif self._is_well:
            _log.warning("the node cannot follow what others change: %s", unavailable)
        self._is_well = False


@contextmanager
def _deadline(line: Line) -> Iterator[None]:
    """Hang up when what is asked takes too long: the server may not hear that it is not wanted."""
    timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, line.hang_up)
    try:
        yield
    finally:
        timer.cancel()
