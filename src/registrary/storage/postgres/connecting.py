"""The connections of one process to its database: few, kept, and none waited for too long."""

import asyncio
from asyncio import Future
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from asyncpg import exceptions

from registrary.ports.store import StoreUnavailable
from registrary.storage.postgres.address import Address
from registrary.storage.postgres.errors import is_lost, outage
from registrary.storage.postgres.line import Line, connect
from registrary.storage.postgres.options import PostgresOptions
from registrary.storage.shared.statements import statements

Rows = Sequence[asyncpg.Record]

_IDLE_SECONDS: Final = 60.0  # after which something in between may have forgotten a connection
_HANGING: Final = statements(__package__, "connections")["hanging"]
_PAUSE_SECONDS: Final = 0.2  # after a failed attempt to connect, in which others fail at once


def _unnoted(commits: int) -> None:
    """Nobody counts how many *commits* are written at once."""
    del commits


class Database:
    """Runs statements, each on a connection of its own, within a deadline.

    A deadline that passes ends the connection: the server is not asked to cancel, which would
    take as long as it takes. Everything that lies in the machine or on the way there is raised
    as `StoreUnavailable`, mistakes of ours as they come. *note_batch* is told by whoever writes
    how many commits were written at once.
    """

    def __init__(self, address: Address, options: PostgresOptions) -> None:
        self.address = address
        self.options = options
        self._loop = asyncio.get_running_loop()
        self._idle: list[Line] = []
        self._busy: set[Line] = set()
        self._waiting: deque[Future[Line | None]] = deque()
        self._count = 0  # of lines that are open or being opened
        self._refusal: tuple[float, StoreUnavailable] | None = None
        self._is_closed = False
        self._gave_up = False
        self.note_batch: Callable[[int], None] = _unnoted

    def now(self) -> float:
        """Return the loop's time, by which deadlines are given."""
        return self._loop.time()

    @property
    def connections(self) -> int:
        """How many connections are open, or being opened."""
        return self._count

    @property
    def connections_in_use(self) -> int:
        """How many of them serve somebody."""
        return len(self._busy)

    async def rows(self, sql: str, *bindings: object, end: float | None = None) -> Rows:
        """Return all rows of a statement that changes nothing, before the loop's time *end*.

        On a connection that turns out to be broken it is asked once more on another.
        """
        if end is None:
            end = self._loop.time() + self.options.read_seconds
        try:
            return await self._ask(sql, bindings, end=end)
        except Exception as error:
            if not is_lost(error) or self._loop.time() >= end:
                raise self._translated(error, end=end) from error
        try:
            return await self._ask(sql, bindings, end=end)
        except Exception as error:
            raise self._translated(error, end=end) from error

    async def commit(self, sql: str, bindings: Sequence[object], *, end: float) -> Rows:
        """Run one statement that is a transaction by itself, before the loop's time *end*.

        Never repeated. Raises PostgreSQL's own errors where the statement failed and nothing of
        it is kept, and `StoreUnavailable` where that is unknown.
        """
        await self.demand_flow(end=end)
        async with self.line(end=end) as line:
            line.doubt = None
            rows = await line.connection.fetch(sql, *bindings)
            self.trust(line)
        return rows

    def trust(self, line: Line) -> None:
        """Raise `StoreUnavailable` if the server warned while it committed on *line*.

        A warning instead of an error is all that tells that a commit is not on the standby that
        it had to wait for.
        """
        if line.doubt is not None:
            line.hang_up()
            raise StoreUnavailable(f"{self.address}: a commit is in doubt ({line.doubt})")

    async def demand_flow(self, *, end: float) -> None:
        """Raise `StoreUnavailable` while too many writes hang at the server that we gave up.

        Each keeps a connection of the server's until its standby is back, whether or not we hang
        up. With more and more of them nobody would get one, to read either.
        """
        if not self._gave_up:
            return
        seconds = self.options.commit_seconds / 2
        hanging = (await self.rows(_HANGING, seconds, end=end))[0][0]
        if hanging >= self.options.connections:
            raise StoreUnavailable(
                f"{self.address}: {hanging} writes hang there; look whether the standby that "
                "commits wait for is away, or somebody keeps a table locked"
            )
        self._gave_up = hanging > 0

    @asynccontextmanager
    async def line(self, *, end: float) -> AsyncIterator[Line]:
        """Take a connection for several statements; after the loop's time *end* it is hung up.

        Errors that say that the connection is lost are raised as `StoreUnavailable`.
        """
        line = await self._take(end)
        timer = self._loop.call_at(end, self._give_up, line)
        try:
            yield line
        except asyncio.CancelledError:
            line.hang_up()
            raise
        except (OSError, exceptions.PostgresError, exceptions.InterfaceError) as error:
            if is_lost(error):
                line.hang_up()
                raise self._translated(error, end=end) from error
            raise
        except AttributeError as error:
            line.blame(error)
            raise self._translated(ConnectionAbortedError(), end=end) from error
        finally:
            timer.cancel()
            self._give(line)

    async def close(self) -> None:
        """Refuse what comes, and let go of every connection."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for line in [*idle, *self._busy]:
            line.hang_up()
        self._count -= len(idle)
        while self._waiting:
            self._pass_on(None)

    def _give_up(self, line: Line) -> None:
        self._gave_up = True
        line.hang_up()

    async def _ask(self, sql: str, bindings: Sequence[object], *, end: float) -> Rows:
        line = await self._take(end)
        timer = self._loop.call_at(end, line.hang_up)
        try:
            rows: Rows = await line.connection.fetch(sql, *bindings)
        except asyncio.CancelledError:
            line.hang_up()
            raise
        except AttributeError as error:
            line.blame(error)
            raise ConnectionAbortedError from error
        finally:
            timer.cancel()
            self._give(line)
        return rows

    def _translated(self, error: Exception, *, end: float) -> Exception:
        if isinstance(error, StoreUnavailable):
            return error
        if is_lost(error) and self._loop.time() >= end:
            error = TimeoutError()
        return outage(error, str(self.address)) or error

    async def _take(self, end: float) -> Line:
        """Return a usable line: the one used last, or a new one, or the next one given back."""
        self._refuse_when_closed()
        while self._idle:
            line = self._idle.pop()
            if line.is_usable and line.idle_since + _IDLE_SECONDS > self._loop.time():
                return self._taken(line)
            line.hang_up()
            self._count -= 1
        if self._count >= self.options.connections:
            return await self._wait(end)
        self._count += 1
        return await self._open_or_wait(end)

    async def _open_or_wait(self, end: float) -> Line:
        """Connect; where that fails and there are connections, take one of those in turn."""
        try:
            return await self._open(end)
        except StoreUnavailable:
            if not self._idle and not self._busy:
                raise
        return await (self._take(end) if self._idle else self._wait(end))

    async def _wait(self, end: float) -> Line:
        waiter: Future[Line | None] = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout_at(end):
                line = await waiter
        except BaseException as error:
            self._take_back(waiter)
            if isinstance(error, TimeoutError):
                text = f"{self.address}: all {self.options.connections} connections are in use"
                raise StoreUnavailable(text) from error
            raise
        self._refuse_when_closed()
        return await self._open_or_wait(end) if line is None else line

    def _take_back(self, waiter: "Future[Line | None]") -> None:
        """Pass on what came in the moment in which its waiter went away."""
        if not waiter.done() or waiter.cancelled():
            waiter.cancel()
            return
        line = waiter.result()
        if line is None:
            self._pass_on(None)
        else:
            self._give(line)

    async def _open(self, end: float) -> Line:
        """Connect in a place that was counted already."""
        try:
            self._refuse_while_pausing()
            async with asyncio.timeout_at(end):
                line = await connect(self.address, self.options, end=end)
        except BaseException as error:
            if self._busy:
                self._count -= 1  # those who wait get what is in use
            else:
                self._pass_on(None)
            unavailable = outage(error, str(self.address))
            if unavailable is None:
                raise
            self._refusal = self._loop.time() + _PAUSE_SECONDS, unavailable
            raise unavailable from error
        if self._is_closed:
            line.hang_up()
        return self._taken(line)

    def _taken(self, line: Line) -> Line:
        self._busy.add(line)
        line.busy_since = self._loop.time()
        return line

    def _give(self, line: Line) -> None:
        self._busy.discard(line)
        if line.is_usable and not self._is_closed:
            line.idle_since = self._loop.time()
            self._pass_on(line)
            return
        line.hang_up()
        self._distrust(since=line.busy_since)
        self._pass_on(None)

    def _pass_on(self, line: Line | None) -> None:
        """Give *line*, or with None the place of one, to whoever waits longest."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(line if line is None else self._taken(line))
                return
        if line is None:
            self._count -= 1
        else:
            self._idle.append(line)

    def _distrust(self, *, since: float) -> None:
        """Hang up what was not heard of since a time at which a connection that broke was well.

        The others lead to the same server.
        """
        idle, self._idle = self._idle, []
        for line in idle:
            if line.idle_since >= since:
                self._idle.append(line)
            else:
                line.hang_up()
                self._count -= 1

    def _refuse_when_closed(self) -> None:
        if self._is_closed:
            raise StoreUnavailable(f"{self.address}: the store is closed")

    def _refuse_while_pausing(self) -> None:
        """Raise what the last attempt to connect met, if that was a moment ago."""
        if self._refusal is not None and self._loop.time() < self._refusal[0]:
            raise StoreUnavailable(str(self._refusal[1]))
