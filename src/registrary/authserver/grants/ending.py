"""Ending grants: every token that came of one is dead at once, at every endpoint."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.farewell import messages_to_streams
from registrary.authserver.presented import Visit
from registrary.authserver.services import ATTEMPTS, ServerServices
from registrary.core.changes import Changes, Put
from registrary.core.deliveries import revocation_of
from registrary.core.events import Actor, ActorKind, Event, Tag
from registrary.core.grants import AuthorizationCode, DeviceAuthorization, Grant, GrantOfPerson
from registrary.policy.endings import initiator_of
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.policy.security_events import (
    EventType,
    Initiator,
    SecurityEvent,
    grant_subject,
)
from registrary.ports.store import Conflict, below

REPLAYED_CODE: Final = "the authorization code was used again"
REPLAYED_REFRESH_TOKEN: Final = "a refresh token that was replaced was used again"
REVOKED_BY_CLIENT: Final = "the client revoked its refresh token"


async def end_grant(
    services: ServerServices,
    context: ServerContext,
    grant: Grant,
    *,
    because: str,
    visit: Visit,
    actor: Actor | None = None,
) -> bool:
    """End *grant*; False when it had ended before. The event names *actor*, else the client.

    Raises `Conflict` when others keep writing to it.
    """
    for _ in range(ATTEMPTS):
        if grant.revoked_at is not None:
            return False
        told = await _told(services, context, grant, actor=actor)
        changes = _changes(services, context, grant, because=because, visit=visit, actor=actor)
        try:
            await services.store.commit(
                msgspec.structs.replace(changes, puts=(*changes.puts, *told))
            )
        except Conflict:
            reread = await services.store.get(Grant, context.id, grant.id)
            if reread is None:
                return False
            grant = reread
        else:
            return True
    raise Conflict(Grant.kind)


async def end_grants_of(
    services: ServerServices,
    context: ServerContext,
    person: str,
    *,
    client_id: str | None = None,
    because: str,
    visit: Visit,
    actor: Actor | None = None,
) -> int:
    """End what *person* allowed, to one client or to all; return how many grants that were."""
    prefix = f"{person}:" if client_id is None else f"{person}:{client_id}:"
    ended = 0
    # First what may still become a grant: afterwards no other can appear.
    async for lead in below(services.store, GrantOfPerson, context.id, prefix=prefix):
        await _end_unredeemed(services, context, lead.grant)
    async for grant in _grants_below(services, context, prefix):
        ended += await end_grant(
            services, context, grant, because=because, visit=visit, actor=actor
        )
    return ended


async def _grants_below(
    services: ServerServices, context: ServerContext, prefix: str
) -> AsyncIterator[Grant]:
    async for lead in below(services.store, GrantOfPerson, context.id, prefix=prefix):
        grant = await services.store.get(Grant, context.id, lead.grant)
        if grant is not None:
            yield grant


async def _end_unredeemed(services: ServerServices, context: ServerContext, allowed: str) -> None:
    """End the code, or the device, whose id is *allowed*, if no tokens came of it yet."""
    now, store = services.clock.now(), services.store
    code = await store.get(AuthorizationCode, context.id, allowed)
    device = await store.get(DeviceAuthorization, context.id, allowed)
    puts: list[Put] = []
    if code is not None and code.redeemed_at is None:
        late = msgspec.structs.replace(code, expires_at=now, revision=code.revision + 1)
        puts.append(Put(late, expected=code.revision))
    if device is not None and device.redeemed_at is None:
        denied = msgspec.structs.replace(
            device, authorization=None, denied_at=now, revision=device.revision + 1
        )
        puts.append(Put(denied, expected=device.revision))
    if puts:
        with suppress(Conflict):  # it was redeemed this moment: its grant ends with the others
            await store.commit(Changes(puts=tuple(puts)))


async def _told(
    services: ServerServices, context: ServerContext, grant: Grant, *, actor: Actor | None
) -> tuple[Put, ...]:
    """Return what tells subscribers that a person's use of a client ended."""
    authorization = grant.authorization
    if authorization.person is None:
        return ()
    subject = grant_subject(
        context.issuer, authorization.subject, client_id=authorization.client_id
    )
    who = Initiator.POLICY if actor is None else initiator_of(actor)
    event = SecurityEvent(EventType.SESSION_REVOKED, subject, who)
    return await messages_to_streams(services, context, event)


def _changes(
    services: ServerServices,
    context: ServerContext,
    grant: Grant,
    *,
    because: str,
    visit: Visit,
    actor: Actor | None,
) -> Changes:
    now = services.clock.now()
    ended = msgspec.structs.replace(
        grant, revoked_at=now, revoked_because=because, revision=grant.revision + 1
    )
    return Changes(
        puts=(Put(ended, expected=grant.revision),),
        events=(_event(services, context, grant, because=because, visit=visit, actor=actor),),
        consumptions=(revocation_of(context.id),),
    )


def _event(
    services: ServerServices,
    context: ServerContext,
    grant: Grant,
    *,
    because: str,
    visit: Visit,
    actor: Actor | None,
) -> Event:
    client_id = grant.authorization.client_id
    who = actor or Actor(ActorKind.CLIENT, client_id, visit.peer or None)
    person = grant.authorization.person
    return an_event(
        Occasion(context.id, services.clock.now(), who, visit.request_id or None),
        Tag.GRANT_ENDED,
        draw=services.draw(EVENT_DRAW_BYTES),
        client_id=client_id,
        reason=because,
        detail={"grant": grant.id} | ({} if person is None else {"person": person}),
    )
