"""Places in status lists: one for the tokens of a client, or for one token of a grant.

Places are taken at random (Token Status List §12.5.2), so that nothing can be read from their
order, in lists that are left half empty, so that a free one is found at once.
"""

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.services import ServerServices
from registrary.core.changes import NO_LIMIT, Changes, Consume, Put
from registrary.core.client import Client
from registrary.core.deliveries import StatusOfClient, StatusPlace
from registrary.core.grants import Grant
from registrary.ports.store import Conflict

PLACES: Final = 1 << 14  # in one list: 2 KiB, and fewer when it is compressed
FILLED_TO: Final = PLACES // 2
LIST_LIFETIME: Final = timedelta(minutes=10)  # after which nobody may go by a copy of a list
CLIENTS: Final = "clients"
GRANTS: Final = "grants"
_ATTEMPTS: Final = 32  # half of all places are taken at most: one in four billion finds none
_PLACE_BYTES: Final = 2

Kind = Literal["clients", "grants"]


class StatusReference(msgspec.Struct, frozen=True):
    """Where the status of a token is found."""

    uri: str
    index: int

    def claim(self) -> dict[str, object]:
        """Return the ``status`` claim (Token Status List §6.1)."""
        return {"status_list": {"idx": self.index, "uri": self.uri}}


def list_uri(context: ServerContext, list_id: str) -> str:
    """Return the address of a list, which is its name too."""
    return f"{context.issuer.url}/status-lists/{list_id}"


def filling_counter(kind: Kind) -> str:
    """Return the name of the counter of places that were ever taken in lists of *kind*."""
    return f"status_places:{kind}"


async def place_of_client(
    services: ServerServices, context: ServerContext, client: Client
) -> StatusReference:
    """Return the place of all tokens of *client*; it is taken with the first.

    When all tokens of a client were ended at once, those that follow have another place: in the
    old one they stay ended, whatever becomes of the client.
    """
    for _ in range(_ATTEMPTS):
        kept = await services.store.get(StatusOfClient, context.id, client.client_id)
        if kept is not None and kept.generation == client.token_generation:
            return StatusReference(list_uri(context, kept.list_id), kept.index)
        place = await _drawn(
            services,
            context,
            CLIENTS,
            subject=f"client:{client.client_id}",
            generation=client.token_generation,
        )
        lead = StatusOfClient(
            issuer=context.id,
            client_id=client.client_id,
            list_id=place.list_id,
            index=place.index,
            generation=client.token_generation,
            revision=1 if kept is None else kept.revision + 1,
        )
        lead_put = Put(lead, expected=None if kept is None else kept.revision)
        if await _taken(services, CLIENTS, place, lead_put):
            return StatusReference(list_uri(context, place.list_id), place.index)
    raise Conflict(StatusPlace.kind)


async def place_of_grant(
    services: ServerServices, context: ServerContext, grant: Grant, *, expires_at: datetime
) -> StatusReference:
    """Return a place for one token of *grant*, which is free again some time after *expires_at*.

    One for each token: two tokens with one place would tell resource servers that they are the
    same person's.
    """
    for _ in range(_ATTEMPTS):
        place = await _drawn(
            services,
            context,
            GRANTS,
            subject=f"grant:{grant.id}",
            expires_at=expires_at + LIST_LIFETIME,
        )
        if await _taken(services, GRANTS, place):
            return StatusReference(list_uri(context, place.list_id), place.index)
    raise Conflict(StatusPlace.kind)


async def _drawn(
    services: ServerServices,
    context: ServerContext,
    kind: Kind,
    *,
    subject: str,
    generation: int = 0,
    expires_at: datetime | None = None,
) -> StatusPlace:
    """Return a place at random in the list that is being filled; it may be somebody's."""
    taken = await services.store.counter(context.id, filling_counter(kind))
    drawn = int.from_bytes(services.draw(_PLACE_BYTES).take(_PLACE_BYTES), "big")
    return StatusPlace(
        issuer=context.id,
        list_id=f"{kind}-{taken // FILLED_TO}",
        index=drawn % PLACES,
        subject=subject,
        generation=generation,
        expires_at=expires_at,
    )


async def _taken(services: ServerServices, kind: Kind, place: StatusPlace, *leads: Put) -> bool:
    """Take *place*; False when somebody has it, or what leads to it was written meanwhile."""
    counted = Consume(place.issuer, filling_counter(kind), NO_LIMIT)
    try:
        await services.store.commit(Changes(puts=(Put(place), *leads), consumptions=(counted,)))
    except Conflict:
        return False
    return True
