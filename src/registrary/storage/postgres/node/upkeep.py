"""What nodes keep in the database besides records: rates, what changed, and what is swept of it."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from asyncpg import exceptions

from registrary.ports.store import StoreUnavailable
from registrary.storage.postgres.connecting import Database, Rows
from registrary.storage.postgres.errors import outage
from registrary.storage.postgres.node.cache import steady_seconds
from registrary.storage.postgres.node.freshness import REACH_SECONDS
from registrary.storage.postgres.node.limiter import DEBT_PERIODS, Count, in_microseconds
from registrary.storage.shared.statements import statements

BATCH: Final = 5000  # rates removed in one statement
KEEP_SECONDS: Final = 2.5 * REACH_SECONDS  # of what changed; no node reads further back
_RATE_SECONDS: Final = 1.0
_SWEEP_SECONDS: Final = 10.0

_SQL: Final = statements(__package__, "node")


class Rates:
    """A `RateTable` in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, counts: Sequence[Count], *, period: timedelta) -> Mapping[bytes, timedelta]:
        """Add *counts*, and return in how long each key is at rest."""
        rows = await _write(
            self._database,
            _SQL["count"],
            [count.digest for count in counts],
            [in_microseconds(count.cost) for count in counts],
            in_microseconds(DEBT_PERIODS * period),
            seconds=_RATE_SECONDS,
        )
        return {bytes(key): timedelta(microseconds=remaining) for key, remaining in rows}


class Upkeep:
    """Removes what no node reads any more. The leader's work.

    Age is told by numbers of transactions that were seen long enough ago on a clock that nobody
    sets. The database's clock may jump, and take with it what some node has not read.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = steady_seconds) -> None:
        self._database = database
        self._clock = clock
        self._seen: deque[tuple[float, str]] = deque()

    async def time(self) -> datetime:
        """Return what time it is by the database's clock."""
        now: datetime = (await self._database.rows(_SQL["time"]))[0][0]
        return now

    async def sweep(self) -> None:
        """Remove old changes, and rates at rest."""
        now = self._clock()
        (newest,) = (await self._database.rows(_SQL["newest_transaction"]))[0]
        old = None
        while self._seen and self._seen[0][0] <= now - KEEP_SECONDS:
            _, old = self._seen.popleft()
        self._seen.append((now, newest))
        if old is not None:
            await _write(self._database, _SQL["sweep_changes"], old)
        while len(await _write(self._database, _SQL["sweep_rates"], BATCH)) == BATCH:
            pass


async def _write(
    database: Database, sql: str, *bindings: object, seconds: float = _SWEEP_SECONDS
) -> Rows:
    end = asyncio.get_running_loop().time() + seconds
    try:
        return await database.commit(sql, bindings, end=end)
    except exceptions.PostgresError as error:
        raise outage(error, str(database.address)) or StoreUnavailable(
            f"{database.address}: {type(error).__name__}"
        ) from error
