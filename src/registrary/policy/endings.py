"""What a change of a client means for its tokens, and for those who want to know."""

from registrary.core.changes import Consume
from registrary.core.client import Client
from registrary.core.deliveries import revocation_of
from registrary.core.events import Actor, ActorKind
from registrary.core.lifecycle import Standing
from registrary.policy.security_events import (
    EventType,
    Initiator,
    SecurityEvent,
    client_subject,
)

_INITIATORS = {
    ActorKind.CLIENT: Initiator.USER,
    ActorKind.PERSON: Initiator.USER,
    ActorKind.ADMIN_TOKEN: Initiator.ADMIN,
    ActorKind.OPERATOR: Initiator.ADMIN,
}


def revocations_by(before: Client, after: Client) -> tuple[Consume, ...]:
    """Return what goes into the commit of *after* if tokens died with it, or live again."""
    is_moved = (
        before.effects.tokens_active != after.effects.tokens_active
        or before.token_generation != after.token_generation
    )
    return (revocation_of(after.issuer),) if is_moved else ()


def event_of(before: Client, after: Client, *, by: Actor) -> SecurityEvent | None:
    """Return what subscribers are told of the change, None when they need not know."""
    kind = _kind_of(before, after, by_itself=by.kind is ActorKind.CLIENT)
    if kind is None:
        return None
    return SecurityEvent(kind, client_subject(after.client_id), initiator_of(by))


def initiator_of(actor: Actor) -> Initiator:
    """Return who brought something about, as subscribers are told."""
    return _INITIATORS.get(actor.kind, Initiator.SYSTEM)


def _kind_of(before: Client, after: Client, *, by_itself: bool) -> EventType | None:
    if after.standing is Standing.GONE:
        if before.standing is Standing.GONE:
            return None
        return EventType.CLIENT_DELETED if by_itself else EventType.CLIENT_REVOKED
    if before.effects.tokens_active == after.effects.tokens_active:
        is_narrowed = before.token_generation != after.token_generation
        return EventType.CLIENT_TOKENS_ENDED if is_narrowed else None
    is_back = after.effects.tokens_active
    return EventType.CLIENT_RESUMED if is_back else EventType.CLIENT_SUSPENDED
