"""Telling others what became of a client, in the commit that made it so."""

from registrary.core.changes import Changes
from registrary.core.client import Client
from registrary.core.deliveries import EventStream
from registrary.core.events import Actor
from registrary.core.issuer import Issuer
from registrary.policy.endings import event_of, revocations_by
from registrary.policy.security_events import (
    STREAMS_LIMIT,
    draw_bytes_for,
    messages_about,
)
from registrary.registrar.services import Services


async def told_of(
    services: Services, issuer: Issuer, change: tuple[Client, Client], *, by: Actor
) -> Changes:
    """Return what the commit of *change* holds besides: messages, and a count of revocations.

    *change* is the client before and after it.
    """
    before, after = change
    consumptions = revocations_by(before, after)
    event = event_of(before, after, by=by)
    if event is None:
        return Changes(consumptions=consumptions)
    streams = (await services.store.page(EventStream, issuer.id, limit=STREAMS_LIMIT)).records
    puts = messages_about(
        event,
        streams,
        issuer=issuer,
        now=services.clock.now(),
        draw=services.draw(draw_bytes_for(streams)),
    )
    return Changes(puts=puts, consumptions=consumptions)
