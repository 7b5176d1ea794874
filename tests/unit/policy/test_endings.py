"""What a change of a client means for its tokens, and what others are told of it."""

import msgspec
import pytest

from registrary.core.client import hold, lift_hold, revoke
from registrary.core.deliveries import EventStream, Message, revocation_of
from registrary.core.events import Actor, ActorKind
from registrary.core.lifecycle import HoldKind
from registrary.policy.endings import event_of, initiator_of, revocations_by
from registrary.policy.security_events import (
    MESSAGE_DRAW_BYTES,
    EventType,
    Initiator,
    SecurityEvent,
    client_subject,
    messages_about,
)
from registrary.testing.clock import MOMENT
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import a_client, a_hold, an_id, an_issuer

ACTIVE = a_client()
SOFT = hold(ACTIVE, a_hold(kind=HoldKind.DORMANT))
HARD = hold(ACTIVE, a_hold(kind=HoldKind.ADMIN))
BOTH = hold(SOFT, a_hold(kind=HoldKind.ADMIN))
GONE = revoke(ACTIVE, now=MOMENT)
ADMIN = Actor(ActorKind.ADMIN_TOKEN, "token-1")
ITSELF = Actor(ActorKind.CLIENT, ACTIVE.client_id)

CHANGES = {
    # before, after, who, event, are lists made anew
    "soft-hold": (ACTIVE, SOFT, ADMIN, EventType.CLIENT_SUSPENDED, True),
    "hard-hold": (ACTIVE, HARD, ADMIN, EventType.CLIENT_SUSPENDED, True),
    "harder": (SOFT, BOTH, ADMIN, EventType.CLIENT_TOKENS_ENDED, True),
    "lifted": (
        SOFT,
        lift_hold(SOFT, HoldKind.DORMANT, now=MOMENT),
        ADMIN,
        EventType.CLIENT_RESUMED,
        True,
    ),
    "one-of-two-lifted": (BOTH, lift_hold(BOTH, HoldKind.ADMIN, now=MOMENT), ADMIN, None, False),
    "revoked": (ACTIVE, GONE, ADMIN, EventType.CLIENT_REVOKED, True),
    "deleted": (ACTIVE, GONE, ITSELF, EventType.CLIENT_DELETED, True),
    "revoked-while-held": (
        HARD,
        revoke(HARD, now=MOMENT),
        ADMIN,
        EventType.CLIENT_REVOKED,
        True,
    ),
    "renamed": (ACTIVE, msgspec.structs.replace(ACTIVE, revision=2), ITSELF, None, False),
    "narrowed": (
        ACTIVE,
        msgspec.structs.replace(ACTIVE, token_generation=1),
        ITSELF,
        EventType.CLIENT_TOKENS_ENDED,
        True,
    ),
}


@pytest.mark.parametrize(
    ("before", "after", "by", "kind", "is_counted"), CHANGES.values(), ids=CHANGES.keys()
)
def test_others_learn_of_what_changes_their_answer(before, after, by, kind, is_counted):
    """Neither silence about dead tokens nor noise about a new name."""
    event = event_of(before, after, by=by)

    assert kind == (None if event is None else event.type)
    assert ((revocation_of(after.issuer),) if is_counted else ()) == revocations_by(before, after)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (ActorKind.ADMIN_TOKEN, Initiator.ADMIN),
        (ActorKind.OPERATOR, Initiator.ADMIN),
        (ActorKind.PERSON, Initiator.USER),
        (ActorKind.CLIENT, Initiator.USER),
        (ActorKind.SYSTEM, Initiator.SYSTEM),
        (ActorKind.ANONYMOUS, Initiator.SYSTEM),
    ],
)
def test_who_brought_it_about_is_said_in_the_words_of_caep(kind, expected):
    """A receiver may treat what a person did otherwise than what was done to them."""
    assert expected == initiator_of(Actor(kind))


def a_stream(*events):
    """Return a stream that wants *events*."""
    return EventStream(
        issuer=an_issuer().id,
        id=an_id(),
        url="https://receiver.example/",
        audience="https://receiver.example",
        events=events,
        created_at=MOMENT,
        updated_at=MOMENT,
    )


@pytest.mark.spec("L-040")
def test_each_stream_gets_an_event_of_its_own():
    """Two receivers must not be able to pass off each other's events (RFC 8417 §4.2)."""
    streams = [a_stream(), a_stream(EventType.CLIENT_REVOKED.value), a_stream("urn:other")]
    event = SecurityEvent(EventType.CLIENT_REVOKED, client_subject("client-1"), Initiator.ADMIN)
    draw = SeededEntropy().draw(MESSAGE_DRAW_BYTES * len(streams))

    puts = messages_about(event, streams, issuer=an_issuer(), now=MOMENT, draw=draw)

    messages = [put.record for put in puts if isinstance(put.record, Message)]
    claims = [message.claims for message in messages]
    assert [stream.id for stream in streams[:2]] == [message.about for message in messages]
    assert 2 == len({one["jti"] for one in claims})
    assert [{"iss", "aud", "iat", "jti", "sub_id", "events"}] * 2 == [set(one) for one in claims]
