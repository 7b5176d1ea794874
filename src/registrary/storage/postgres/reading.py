"""Records by their keys: those asked for at the same time are fetched together.

One statement for sixteen keys costs about as much as two for one key each, here and at the
database. So those who come in one turn of the event loop share a statement; and as few of one kind
run at a time, under load those who come meanwhile share the next.
"""

import asyncio
from asyncio import Future, Task
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from registrary.storage.postgres.connecting import Database
from registrary.storage.postgres.tables import Table

_FLIGHTS: Final = 2  # of one kind at a time: one that is late does not keep all others
_PASSENGERS: Final = 256
_LEAST_SECONDS: Final = 0.05  # what is left to one that waited long


class _Passenger(NamedTuple):
    """Somebody who waits for a record, and until when, by the loop's clock."""

    place: tuple[str, str]
    waiter: "Future[str | None]"
    end: float


class Fetcher:
    """Fetches the JSON of records."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._flights: defaultdict[Table, int] = defaultdict(int)
        self._waiting: defaultdict[Table, list[_Passenger]] = defaultdict(list)
        self._tasks: set[Task[None]] = set()

    async def fetch(self, table: Table, issuer: str, key: str) -> str | None:
        """Return the JSON of one record, None when there is none."""
        waiter: Future[str | None] = self._loop.create_future()
        end = self._database.now() + self._database.options.read_seconds
        waiting = self._waiting[table]
        waiting.append(_Passenger((issuer, key), waiter, end))
        if len(waiting) == 1 and self._flights[table] < _FLIGHTS:
            self._flights[table] += 1
            self._loop.call_soon(self._take_off, table)
        return await waiter

    def _take_off(self, table: Table) -> None:
        """Fetch what waits; a place is taken already."""
        waiting = self._waiting[table]
        if not waiting:
            self._flights[table] -= 1
            return
        self._waiting[table] = waiting[_PASSENGERS:]
        task = self._loop.create_task(self._fly(table, waiting[:_PASSENGERS]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fly(self, table: Table, passengers: Sequence[_Passenger]) -> None:
        try:
            found = await self._fetch_all(table, passengers)
        except Exception as error:  # noqa: BLE001 - raised again to everyone who waits
            for passenger in passengers:
                if not passenger.waiter.done():
                    passenger.waiter.set_exception(error)
        else:
            for passenger in passengers:
                if not passenger.waiter.done():
                    passenger.waiter.set_result(found.get(passenger.place))
        finally:
            self._take_off(table)

    async def _fetch_all(
        self, table: Table, passengers: Sequence[_Passenger]
    ) -> dict[tuple[str, str], str]:
        places = list({passenger.place for passenger in passengers if not passenger.waiter.done()})
        if not places:
            return {}
        end = min(passenger.end for passenger in passengers)
        end = max(end, self._database.now() + _LEAST_SECONDS)
        if len(places) == 1:
            rows = await self._database.rows(table.sql["get"], *places[0], end=end)
            return {places[0]: rows[0][0]} if rows else {}
        issuers, keys = zip(*places, strict=True)
        rows = await self._database.rows(table.sql["get_many"], issuers, keys, end=end)
        return {places[number - 1]: record for number, record in rows}
