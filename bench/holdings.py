"""What the clients of a filled store take on disk, and what it costs to look at every one."""

import time
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import apsw
import uvloop

from bench.processes import cpu_seconds
from bench.servers import Place
from bench.settings import database_settings, file_settings
from bench.sinks import ask
from bench.stock import Stock
from bench.workshop import workshop
from registrary.core.client import Client
from registrary.ports.store import every

WALKED: Final = 50_000  # clients that are looked at to know what one costs

_TABLE: Final = (
    "SELECT sum(pgsize) FROM dbstat WHERE name IN ('client', 'sqlite_autoindex_client_1')"
)
_PAGES: Final = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"


@dataclass(frozen=True, slots=True)
class Holding:
    """Bytes a client: of its *record*, its *table* with indexes, its *event*s, the *whole* store.

    *walk* is the CPU in microseconds of reading one while all are read in pages, *database_walk*
    that of the database.
    """

    clients: int
    record: float
    table: float
    event: float
    whole: float
    walk: float
    database_walk: float


def holding(place: Place, stock: Stock, *, database_pid: int) -> Holding:
    """Measure the store at *place*, which may have grown by some clients since it was filled."""
    table, whole, clients = _sizes(place)
    walk, database_walk = uvloop.run(_walk(place, database_pid))
    return Holding(
        clients=clients,
        record=stock.record_bytes / stock.clients,
        table=table / clients,
        event=stock.body_bytes / stock.clients,
        whole=whole / clients,
        walk=walk,
        database_walk=database_walk,
    )


def _sizes(place: Place) -> tuple[int, int, int]:
    """Return the bytes of the table of clients, those of the whole store, and the clients in it."""
    if place.database_url:
        found = ask(
            place.database_url,
            "SELECT pg_total_relation_size('registrary.client'),"
            " pg_database_size(current_database()), (SELECT count(*) FROM registrary.client)",
        )
        table, whole, clients = (int(number) for number in found.split("|"))
        return table, whole, clients
    with closing(apsw.Connection(str(place.folder / "store.db"))) as connection:
        numbers: list[Any] = [  # of one row and one column each
            connection.execute(sql).get for sql in (_TABLE, _PAGES, "SELECT count(*) FROM client")
        ]
    return int(numbers[0]), int(numbers[1]), int(numbers[2])


async def _walk(place: Place, database_pid: int) -> tuple[float, float]:
    url = place.database_url
    settings = database_settings(url) if url else file_settings(place.folder)
    async with workshop(settings) as shop:
        before = time.process_time(), _database_clock(database_pid)
        seen = 0
        async for _ in every(shop.store, Client, shop.context.id):
            seen += 1
            if seen == WALKED:
                break
        after = time.process_time(), _database_clock(database_pid)
    return (after[0] - before[0]) / seen * 1e6, (after[1] - before[1]) / seen * 1e6


def _database_clock(pid: int) -> float:
    return cpu_seconds(pid) if pid else 0.0
