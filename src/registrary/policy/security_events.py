"""What subscribers are told: security event tokens (RFC 8417), as messages to be delivered.

People and their sessions are told of in the words of CAEP and RISC (OpenID Shared Signals);
those have none for clients, so clients have event types of our own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from registrary.core.changes import Put
from registrary.core.deliveries import EventStream, Message
from registrary.core.entropy import Draw
from registrary.core.ids import new_id
from registrary.core.issuer import Issuer
from registrary.core.jose import numeric_date
from registrary.core.sealing import Place

SECURITY_EVENT: Final = "security_event"
MESSAGE_DRAW_BYTES: Final = 20  # 10 for the id, 10 for the jti
GIVE_UP_AFTER: Final = timedelta(days=1)
STREAMS_LIMIT: Final = 100  # of one issuer: each of them costs every such change a message
SIGNING_ALG: Final = "RS256"  # the one that CAEP's interoperability profile demands (§2.5)

Claims = dict[str, Any]  # Any: claims are JSON values of every kind


class EventType(StrEnum):
    """The types of security events there are, by their URIs."""

    CLIENT_SUSPENDED = "urn:registrary:event:client-suspended"
    CLIENT_RESUMED = "urn:registrary:event:client-resumed"
    CLIENT_TOKENS_ENDED = "urn:registrary:event:client-tokens-ended"
    CLIENT_REVOKED = "urn:registrary:event:client-revoked"
    CLIENT_DELETED = "urn:registrary:event:client-deleted"
    SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
    ACCOUNT_DISABLED = "https://schemas.openid.net/secevent/risc/event-type/account-disabled"
    ACCOUNT_ENABLED = "https://schemas.openid.net/secevent/risc/event-type/account-enabled"
    VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"


class Initiator(StrEnum):
    """Who brought an event about, in the words of CAEP (§2)."""

    ADMIN = "admin"
    USER = "user"
    POLICY = "policy"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """Something that happened to *subject*, a subject identifier (RFC 9493).

    *members* stand in the event beside the time and who brought it about.
    """

    type: EventType
    subject: Mapping[str, Any]  # Any: JSON
    initiator: Initiator = Initiator.SYSTEM
    members: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON


def client_subject(client_id: str) -> Mapping[str, Any]:  # Any: JSON
    """Return what a client is called in events."""
    return {"format": "opaque", "id": client_id}


def person_subject(issuer: Issuer, subject: str) -> Mapping[str, Any]:  # Any: JSON
    """Return what the person is called whom tokens name by *subject*."""
    return {"format": "iss_sub", "iss": issuer.url, "sub": subject}


def session_subject(
    issuer: Issuer, subject: str, *, session_id: str
) -> Mapping[str, Any]:  # Any: JSON
    """Return what one session of a person is called; *session_id* is the ``sid`` in ID tokens."""
    session = {"format": "opaque", "id": session_id}
    user = person_subject(issuer, subject)
    return {"format": "complex", "user": user, "session": session}


def grant_subject(
    issuer: Issuer, subject: str, *, client_id: str
) -> Mapping[str, Any]:  # Any: JSON
    """Return what a person's use of one client is called."""
    application = client_subject(client_id)
    user = person_subject(issuer, subject)
    return {"format": "complex", "user": user, "application": application}


def messages_about(
    event: SecurityEvent,
    streams: Iterable[EventStream],
    *,
    issuer: Issuer,
    now: datetime,
    draw: Draw,
) -> tuple[Put, ...]:
    """Return what tells *streams* of *event*, for the commit of what happened.

    Spends `MESSAGE_DRAW_BYTES` of *draw* for each stream. One that is paused gets it later.
    """
    return tuple(
        Put(security_message(event, stream, issuer=issuer, now=now, draw=draw))
        for stream in streams
        if not stream.events or event.type in stream.events
    )


def security_message(
    event: SecurityEvent, stream: EventStream, *, issuer: Issuer, now: datetime, draw: Draw
) -> Message:
    """Return the message that tells *stream* of *event*."""
    return Message(
        issuer=issuer.id,
        id=new_id(now, draw),
        purpose=SECURITY_EVENT,
        url=stream.url,
        about=stream.id,
        alg=SIGNING_ALG,
        claims=_claims(event, stream, issuer=issuer, now=now, jti=draw.take(10).hex()),
        created_at=now,
        expires_at=now,
        give_up_at=now + GIVE_UP_AFTER,
    )


def _claims(
    event: SecurityEvent, stream: EventStream, *, issuer: Issuer, now: datetime, jti: str
) -> Claims:
    # RFC 8417 §2.2: no exp, which receivers might take for the end of what happened; and no sub,
    # so that a SET is never mistaken for a token (§4.5).
    details: Claims = dict(event.members)
    if event.type is not EventType.VERIFICATION:
        details |= {
            "event_timestamp": numeric_date(now),
            "initiating_entity": event.initiator.value,
        }
    return {
        "iss": issuer.url,
        "aud": stream.audience,
        "iat": numeric_date(now),
        "jti": jti,
        "sub_id": dict(event.subject),
        "events": {event.type.value: details},
    }


def authorization_place(issuer: str, stream_id: str) -> Place:
    """Return where the ``Authorization`` header of an event stream is sealed."""
    return Place(EventStream.kind, "sealed_authorization", issuer, stream_id)


def draw_bytes_for(streams: Sequence[EventStream], *, events: int = 1) -> int:
    """Return how much randomness `messages_about` spends at most on so many *events*."""
    return MESSAGE_DRAW_BYTES * len(streams) * events
