"""What the end of a session brings with it, for the commit that ends it.

Clients that want to be told are owed a logout token (OpenID Connect Back-Channel Logout §2.4),
subscribers a security event, and what was allowed only for as long as the session ends with it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.services import PeopleServices
from registrary.authserver.people.subjects import subject_of
from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.deliveries import EventStream, Message, revocation_of
from registrary.core.events import Tag
from registrary.core.grants import (
    Authorization,
    AuthorizationCode,
    DeviceAuthorization,
    Grant,
    GrantOfPerson,
)
from registrary.core.ids import new_id
from registrary.core.lifecycle import Standing
from registrary.core.people import Person, Session
from registrary.policy.endings import initiator_of
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.policy.security_events import (
    GIVE_UP_AFTER,
    STREAMS_LIMIT,
    EventType,
    Initiator,
    SecurityEvent,
    draw_bytes_for,
    messages_about,
    person_subject,
    session_subject,
)
from registrary.ports.store import below

BACKCHANNEL_LOGOUT: Final = "backchannel_logout"
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
SESSION_ENDED: Final = "the session it was allowed in ended"
_MESSAGE_DRAW: Final = 10
_DEFAULT_ALG: Final = "RS256"  # OpenID Connect Registration §2, id_token_signed_response_alg


async def farewell(
    services: PeopleServices, context: ServerContext, session: Session, *, occasion: Occasion
) -> Changes:
    """Return what goes with the end of *session*: messages, and the ends of grants."""
    person = await services.store.get(Person, context.id, session.person)
    if person is None:
        return Changes()
    grants = [grant async for grant in _grants_of(services, context, session)]
    told = SecurityEvent(
        EventType.SESSION_REVOKED,
        session_subject(context.issuer, person.id, session_id=session.session_id),
        initiator_of(occasion.actor),
    )
    draw = services.draw(EVENT_DRAW_BYTES * len(grants))
    return Changes(
        puts=(
            *await logout_messages(services, context, session, person=person),
            *await messages_to_streams(services, context, told),
            *(Put(_ended(grant, occasion), expected=grant.revision) for grant in grants),
            *[put async for put in _unredeemed(services, context, session, now=occasion.now)],
        ),
        events=tuple(
            an_event(
                occasion,
                Tag.GRANT_ENDED,
                draw=draw,
                client_id=grant.authorization.client_id,
                reason=SESSION_ENDED,
                detail={"grant": grant.id, "person": person.id},
            )
            for grant in grants
        ),
        consumptions=(revocation_of(context.id),) if grants else (),
    )


async def farewell_to_all(
    services: PeopleServices,
    context: ServerContext,
    person: Person,
    *,
    sessions: Sequence[Session],
    events: Sequence[EventType] = (EventType.SESSION_REVOKED,),
    initiator: Initiator,
) -> Changes:
    """Return what goes with the end of all *sessions* of *person*, whose generation is raised.

    That ends every grant, so none is written. Subscribers are told each of *events*.
    """
    puts: list[Put] = []
    for session in sessions:
        puts += await logout_messages(services, context, session, person=person)
    for kind in events:
        told = SecurityEvent(kind, person_subject(context.issuer, person.id), initiator)
        puts += await messages_to_streams(services, context, told)
    return Changes(puts=tuple(puts), consumptions=(revocation_of(context.id),))


async def logout_messages(
    services: PeopleServices, context: ServerContext, session: Session, *, person: Person
) -> tuple[Put, ...]:
    """Return a logout token for each client of *session* that wants one."""
    draw = services.draw(_MESSAGE_DRAW * len(session.clients))
    now, puts = services.clock.now(), []
    for client_id in session.clients:
        client = await services.store.get(Client, context.id, client_id)
        uri = client and client.metadata.get("backchannel_logout_uri")
        if client is None or not uri or client.standing is Standing.GONE:
            continue
        message = Message(
            issuer=context.id,
            id=new_id(now, draw),
            purpose=BACKCHANNEL_LOGOUT,
            url=uri,
            about=client_id,
            alg=_signing_alg(client),
            claims=_logout_claims(
                context, client, session, subject=subject_of(context, client, person)
            ),
            created_at=now,
            expires_at=now,
            give_up_at=now + GIVE_UP_AFTER,
        )
        puts.append(Put(message))
    return tuple(puts)


async def messages_to_streams(
    services: PeopleServices, context: ServerContext, event: SecurityEvent
) -> tuple[Put, ...]:
    """Return what tells the subscribers of *event*."""
    page = await services.store.page(EventStream, context.id, limit=STREAMS_LIMIT)
    draw = services.draw(draw_bytes_for(page.records))
    return messages_about(
        event, page.records, issuer=context.issuer, now=services.clock.now(), draw=draw
    )


def _signing_alg(client: Client) -> str:
    """Return what signs ID tokens for *client*, which signs logout tokens too (§2.6).

    An unsigned one would let anybody log people out, whatever was registered.
    """
    registered: str = client.metadata.get("id_token_signed_response_alg", _DEFAULT_ALG)
    return _DEFAULT_ALG if registered == "none" else registered


def _logout_claims(
    context: ServerContext, client: Client, session: Session, *, subject: str
) -> dict[str, object]:
    # §2.4: a nonce must not be there, so that it is never taken for an ID token. Times and jti
    # are put in when it is sent.
    return {
        "iss": context.issuer.url,
        "sub": subject,
        "aud": client.client_id,
        "sid": session.session_id,
        "events": {LOGOUT_EVENT: {}},
    }


def _ended(grant: Grant, occasion: Occasion) -> Grant:
    return msgspec.structs.replace(
        grant,
        revoked_at=occasion.now,
        revoked_because=SESSION_ENDED,
        revision=grant.revision + 1,
    )


async def _grants_of(
    services: PeopleServices, context: ServerContext, session: Session
) -> AsyncIterator[Grant]:
    """Yield the grants that end with *session* (Back-Channel Logout §2.7)."""
    async for lead in _leads_of(services, context, session):
        grant = await services.store.get(Grant, context.id, lead.grant)
        if grant and not grant.revoked_at and _ends_with(grant.authorization, session):
            yield grant


async def _unredeemed(
    services: PeopleServices, context: ServerContext, session: Session, *, now: datetime
) -> AsyncIterator[Put]:
    """Yield what ends the codes and devices that would become such grants: a client may wait."""
    store = services.store
    async for lead in _leads_of(services, context, session):
        code = await store.get(AuthorizationCode, context.id, lead.grant)
        device = await store.get(DeviceAuthorization, context.id, lead.grant)
        if code and not code.redeemed_at and _ends_with(code.authorization, session):
            late = msgspec.structs.replace(code, expires_at=now, revision=code.revision + 1)
            yield Put(late, expected=code.revision)
        if device and not device.redeemed_at and _ends_with(device.authorization, session):
            denied = msgspec.structs.replace(
                device, authorization=None, denied_at=now, revision=device.revision + 1
            )
            yield Put(denied, expected=device.revision)


def _leads_of(
    services: PeopleServices, context: ServerContext, session: Session
) -> AsyncIterator[GrantOfPerson]:
    return below(services.store, GrantOfPerson, context.id, prefix=f"{session.person}:")


def _ends_with(authorization: Authorization | None, session: Session) -> bool:
    # Without openid nobody signed in to the client: it was given access, and keeps it until
    # that is taken away. With offline_access it was to go on when the person has left.
    if authorization is None:
        return False
    scope = authorization.scope
    return (
        authorization.session_id == session.session_id
        and "openid" in scope
        and "offline_access" not in scope
    )
