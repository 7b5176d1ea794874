"""A store with so many clients: filled, sequenced, and what the bench knows about it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.documents import Registered
from bench.filling import Crowd, Sink
from bench.population import ORGANIZATIONS
from bench.servers import Place
from bench.settings import database_settings, file_settings
from bench.sinks import ask, postgres_sink, sqlite_sink
from bench.templates import make_templates
from bench.workshop import workshop
from registrary.config import Settings

KNOWN = 20_000
"""Clients whose credentials the bench knows, spread over the store: more than any cache holds."""


@dataclass(frozen=True, slots=True)
class Stock:
    """A filled store: *known* are clients to ask for; lengths are the sums over all clients."""

    clients: int
    known: list[Registered]
    record_bytes: int
    body_bytes: int
    events: int


async def fill(settings: Settings, count: int, *, known: int = KNOWN) -> Stock:
    """Fill the store of *settings* with *count* clients and sequence what they left in the log."""
    async with workshop(settings) as shop:
        templates = await make_templates(shop, ORGANIZATIONS)
        crowd = Crowd(
            issuer=shop.context.id,
            templates=templates,
            count=count,
            known=min(known, count // 5),
            peppers=shop.services.secret_keys.peppers(),
            now=shop.services.clock.now(),
        )
    with sink_of(settings, crowd.issuer) as sink:
        for clients, events in crowd.rows():
            sink.add(clients, events)
    async with workshop(settings) as shop:
        await shop.store.commit(crowd.counted())
        await shop.sequencer.run(shop.context.issuer)
    return Stock(count, crowd.registered, crowd.record_bytes, crowd.body_bytes, crowd.events)


def sink_of(settings: Settings, issuer: str) -> AbstractContextManager[Sink]:
    """Return where rows for the store of *settings* go."""
    url = str(settings.store)
    if url.startswith("sqlite:///"):
        return sqlite_sink(Path(url.removeprefix("sqlite:///")), issuer)
    return postgres_sink(url, issuer)


def stocked(place: Place, count: int) -> Stock:
    """Fill the store of the server that will run at *place*."""
    url = place.database_url
    stock = uvloop.run(fill(database_settings(url) if url else file_settings(place.folder), count))
    if url:
        # What autovacuum would do in its own time, so that no server is measured beside it.
        ask(url, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")
    return stock
