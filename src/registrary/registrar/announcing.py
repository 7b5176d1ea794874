"""Telling others what became of a client, in the commit that made it so."""

import msgspec

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


async def and_told(
    services: Services,
    issuer: Issuer,
    changes: Changes,
    *,
    change: tuple[Client, Client],
    by: Actor,
) -> Changes:
    """Return *changes* with what tells others of *change*, the client before and after it.

    That is a message for each stream that wants to know, and a count of revocations.
    """
    consumptions = (*changes.consumptions, *revocations_by(*change))
    counted = msgspec.structs.replace(changes, consumptions=consumptions)
    event = event_of(*change, by=by)
    if event is None:
        return counted
    streams = (await services.store.page(EventStream, issuer.id, limit=STREAMS_LIMIT)).records
    puts = messages_about(
        event,
        streams,
        issuer=issuer,
        now=services.clock.now(),
        draw=services.draw(draw_bytes_for(streams)),
    )
    return msgspec.structs.replace(counted, puts=(*changes.puts, *puts))
