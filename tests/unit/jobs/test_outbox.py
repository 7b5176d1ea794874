"""What is owed to others arrives, once if all goes well; nobody waits for anybody else."""

import asyncio
import logging
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from joserfc import jwt as other_jwt
from joserfc.jwk import KeySet

from registrary.core.changes import Changes, Put
from registrary.core.deliveries import EventStream, Message
from registrary.core.signing_key import KeyUse
from registrary.jobs.envelopes import Envelopes
from registrary.jobs.key_rotation import KeyRotation
from registrary.jobs.outbox import BATCH, FLIGHTS_TO_HOST, LEASE, PAUSED, Outbox
from registrary.keys.local import MemoryKeys
from registrary.keys.maker import LocalKeyMaker
from registrary.keys.signer import LocalSigner
from registrary.policy.security_events import authorization_place
from registrary.ports.fetcher import Refusal
from registrary.ports.messenger import Delivered, Undelivered
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import MOMENT, FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import ISSUER_ID, ISSUER_URL, an_id, an_issuer
from tests.unit.jobs.kit import Receivers, events

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
BROKEN = Undelivered(Refusal.STATUS, "status is 500")
AWAY = Undelivered(Refusal.CONNECTION, "refused")


class Office:
    """A store with messages, and processes that deliver them."""

    def __init__(self):
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.keys = MemoryKeys()
        self.signer = LocalSigner(self.store, self.keys)
        self.receivers = Receivers()
        self.counts = []
        self.outbox = self.process()

    def process(self, seed=0):
        """Return the outbox of one more process."""
        entropy = SeededEntropy(seed)
        return Outbox(
            self.store,
            self.receivers,
            Envelopes(self.store, self.signer, self.keys, self.clock, entropy),
            clock=self.clock,
            entropy=entropy,
            note=lambda purpose, outcome: self.counts.append((purpose, outcome)),
        )

    async def open(self):
        """Make the key that signs."""
        rotation = KeyRotation(self.store, self.signer, LocalKeyMaker(self.keys), clock=self.clock)
        wanted = ((KeyUse.TOKEN, "ES256"),)
        await rotation.run(an_issuer(), SeededEntropy(9), wanted=wanted)
        return self

    async def add(self, *records):
        """Store *records*."""
        await self.store.commit(Changes(puts=tuple(Put(record) for record in records)))
        return records[0]

    async def deliver(self, *processes):
        """Let processes, by default the one, do what is due, and wait for its end."""
        for process in processes or (self.outbox,):
            await process.run(ISSUER_ID)
        for process in processes or (self.outbox,):
            await process.finish()

    async def waiting(self):
        """Return the messages that are still owed."""
        return (await self.store.page(Message, ISSUER_ID, limit=1000)).records

    async def verified(self, token):
        """Return header and claims of *token*, judged by another library."""
        jwks: Any = await self.signer.public_jwks(ISSUER_ID)  # Any: joserfc has a type of its own
        keys = KeySet.import_key_set(jwks)
        decoded = other_jwt.decode(token, keys, algorithms=["ES256"])
        return decoded.header, decoded.claims


@pytest.fixture
async def office():
    """Open an office with a key."""
    return await Office().open()


def a_message(url="https://client.example/logout", **what_matters):
    """Return a logout message that is due."""
    message = Message(
        issuer=ISSUER_ID,
        id=an_id(),
        purpose="backchannel_logout",
        url=url,
        about=an_id(),
        alg="ES256",
        claims={"iss": ISSUER_URL, "aud": "client-1", "sub": "alice", "sid": "s-1"},
        created_at=MOMENT,
        expires_at=MOMENT,
        give_up_at=MOMENT + DAY,
    )
    return msgspec.structs.replace(message, **what_matters)


def a_stream(**what_matters):
    """Return a stream of security events."""
    stream = EventStream(
        issuer=ISSUER_ID,
        id=an_id(),
        url="https://receiver.example/events",
        audience="https://receiver.example",
        created_at=MOMENT,
        updated_at=MOMENT,
    )
    return msgspec.structs.replace(stream, **what_matters)


def an_event_for(stream):
    """Return a security event that *stream* is owed."""
    claims = {"iss": ISSUER_URL, "jti": "jti-1", "iat": 1, "aud": stream.audience}
    return a_message(stream.url, purpose="security_event", about=stream.id, claims=claims)


# --- What arrives -------------------------------------------------------------------------------


@pytest.mark.spec("C-059", "L-010", "L-013")
async def test_a_logout_token_arrives_as_clients_want_it(office):
    """Libraries for clients verify type, times and id of the token, and read it from a form."""
    await office.add(a_message())

    await office.deliver()

    ((url, post, purpose),) = office.receivers.seen
    header, claims = await office.verified(parse_qs(post.body.decode())["logout_token"][0])
    assert "https://client.example/logout" == url
    assert ("application/x-www-form-urlencoded", None) == (post.media_type, post.authorization)
    assert "backchannel_logout" == purpose.name
    assert "logout+jwt" == header["typ"]
    assert timedelta(minutes=2).total_seconds() == claims["exp"] - claims["iat"]
    assert {"iss", "aud", "sub", "sid", "iat", "exp", "jti"} == set(claims)
    assert () == await office.waiting()


async def test_each_attempt_at_a_logout_is_a_fresh_token(office):
    """A retry after an hour with the first token would be refused as expired, or as replayed."""
    office.receivers.answers["client.example"] = BROKEN
    await office.add(a_message())

    await office.deliver()
    office.clock.advance(HOUR)
    await office.deliver()

    tokens = [
        parse_qs(post.body.decode())["logout_token"][0] for _, post, _ in office.receivers.seen
    ]
    first, second = [(await office.verified(token))[1] for token in tokens]
    assert HOUR.total_seconds() == second["exp"] - first["exp"]
    assert first["jti"] != second["jti"]


@pytest.mark.spec("L-040", "L-041")
async def test_a_security_event_arrives_with_what_lets_it_in(office):
    """A receiver that takes events from anybody could be told anything (RFC 8935 §2.1)."""
    stream = a_stream()
    sealed = office.keys.sealer().seal(
        b"Bearer of-the-receiver",
        authorization_place(ISSUER_ID, stream.id),
        SeededEntropy(3).draw(),
    )
    stream = msgspec.structs.replace(stream, sealed_authorization=sealed)
    await office.add(stream, an_event_for(stream))

    await office.deliver()

    ((url, post, _),) = office.receivers.seen
    header, claims = await office.verified(post.body.decode())
    assert ("https://receiver.example/events", "Bearer of-the-receiver") == (
        url,
        post.authorization,
    )
    assert ("application/secevent+jwt", "secevent+jwt") == (post.media_type, header["typ"])
    assert {"iss": ISSUER_URL, "jti": "jti-1", "iat": 1, "aud": stream.audience} == claims


async def test_an_event_goes_to_where_its_stream_is_now(office):
    """Who moves a receiver gets at the new place what was owed at the old."""
    stream = a_stream()
    moved = msgspec.structs.replace(stream, url="https://new.example/events")
    await office.add(moved, an_event_for(stream))

    await office.deliver()

    assert ["https://new.example/events"] == office.receivers.urls


async def test_what_a_deleted_stream_was_owed_is_dropped(office):
    """Nobody wants it, and trying for a day would only annoy them."""
    await office.add(an_event_for(a_stream()))

    await office.deliver()

    assert ([], ()) == (office.receivers.seen, await office.waiting())
    assert [("security_event", "dropped")] == office.counts


async def test_what_a_paused_stream_is_owed_waits(office):
    """A receiver that is being repaired misses nothing."""
    stream = a_stream(paused_at=MOMENT)
    await office.add(stream, an_event_for(stream))

    await office.deliver()
    sent_while_paused = len(office.receivers.seen)
    resumed = msgspec.structs.replace(stream, paused_at=None, revision=2)
    await office.store.commit(Changes(puts=(Put(resumed, expected=1),)))
    office.clock.advance(PAUSED)
    await office.deliver()

    assert (0, 1) == (sent_while_paused, len(office.receivers.seen))


# --- What does not arrive -----------------------------------------------------------------------


@pytest.mark.spec("L-042")
async def test_what_fails_is_tried_again_later_and_later(office):
    """A receiver that is away for an hour is told; one that is away for a day is not hammered."""
    office.receivers.answers["client.example"] = BROKEN
    await office.add(a_message())

    waits = []
    for _ in range(14):
        await office.deliver()
        (message,) = await office.waiting()
        waits.append(message.expires_at - office.clock.now())
        office.clock.set(message.expires_at)

    longest = [min(timedelta(seconds=2) * 2**n, HOUR) for n in range(14)]
    assert [] == [
        (wait, most)
        for wait, most in zip(waits, longest, strict=True)
        if not most / 2 <= wait <= most
    ]
    assert 14 == len(office.receivers.seen)


async def test_two_that_fail_together_do_not_come_again_together(office):
    """Or whoever broke down under many messages would break down again."""
    office.receivers.answers["client.example"] = BROKEN
    await office.add(*(a_message() for _ in range(10)))

    await office.deliver()

    assert 5 < len({message.expires_at for message in await office.waiting()})


async def test_after_a_day_it_is_given_up_with_an_event(office):
    """A client that is gone would be called for ever; that it was never told must be known."""
    office.receivers.answers["client.example"] = BROKEN
    message = await office.add(a_message())
    office.clock.advance(DAY)

    await office.deliver()

    given_up = [
        event for event in await events(office.store, ISSUER_ID) if "purpose" in event["detail"]
    ]
    assert () == await office.waiting()
    assert ["message:given_up"] == [event["tag"] for event in given_up]
    assert [
        {
            "purpose": "backchannel_logout",
            "about": message.about,
            "host": "client.example",
            "attempts": 1,
        }
    ] == [event["detail"] for event in given_up]
    assert [("backchannel_logout", "given_up")] == office.counts


async def test_the_last_attempt_is_at_the_end_of_the_day(office):
    """A delay that overshoots would turn a day into most of one."""
    office.receivers.answers["client.example"] = BROKEN
    await office.add(a_message(attempts=12))
    office.clock.set(MOMENT + DAY - timedelta(minutes=1))

    await office.deliver()

    assert [MOMENT + DAY] == [message.expires_at for message in await office.waiting()]


async def test_a_message_that_cannot_be_signed_waits(office):
    """A withdrawn key is replaced within a minute; the message is not lost meanwhile."""
    await office.add(a_message(alg="RS256"))

    await office.deliver()

    assert ([], 1) == (office.receivers.seen, len(await office.waiting()))


# --- Several processes, and their ends ----------------------------------------------------------


async def test_two_processes_send_it_once(office):
    """Each of them sees it; the store lets one of them begin."""
    await office.add(*(a_message() for _ in range(5)))

    first, second = office.process(1), office.process(2)
    await asyncio.gather(first.run(ISSUER_ID), second.run(ISSUER_ID))
    await office.deliver(first, second)

    assert 5 == len(office.receivers.seen)


async def test_who_dies_in_an_attempt_leaves_it_to_others(office):
    """At least once: what nobody saw succeed is done again."""
    office.receivers.waits["client.example"] = asyncio.Event()
    await office.add(a_message())
    dying, living = office.process(1), office.process(2)
    await dying.run(ISSUER_ID)
    await office.receivers.arrived["client.example"].wait()

    await living.run(ISSUER_ID)
    while_leased = len(office.receivers.seen)
    office.clock.advance(LEASE)
    office.receivers.waits.clear()
    await office.deliver(living)

    assert (1, 2) == (while_leased, len(office.receivers.seen))
    assert () == await office.waiting()


async def test_an_attempt_that_outlives_its_lease_takes_nothing_away(office):
    """Another process may be trying again, and knows better what came of it."""
    office.receivers.waits["client.example"] = asyncio.Event()
    await office.add(a_message())
    slow, other = office.process(1), office.process(2)
    await slow.run(ISSUER_ID)
    await office.receivers.arrived["client.example"].wait()
    office.clock.advance(LEASE)
    office.receivers.answers["client.example"] = BROKEN
    waiting = office.receivers.waits.pop("client.example")
    await office.deliver(other)

    office.receivers.answers["client.example"] = Delivered(200)
    waiting.set()
    await slow.finish()

    assert [2] == [message.attempts for message in await office.waiting()]


async def test_a_stopping_server_does_not_wait_for_silence(office):
    """A receiver that keeps us waiting keeps nobody from stopping the server."""
    office.receivers.waits["client.example"] = asyncio.Event()
    await office.add(a_message())
    await office.outbox.run(ISSUER_ID)
    await office.receivers.arrived["client.example"].wait()

    async with asyncio.timeout(5):
        await office.outbox.finish(seconds=0.05)

    assert 1 == len(await office.waiting())


# --- At once, and without waiting for others ----------------------------------------------------


async def test_a_call_sends_what_was_written_before_it(office):
    """Within a second means at once, not at the next look around."""
    await office.add(a_message())

    office.outbox.wake(ISSUER_ID)
    office.outbox.wake(ISSUER_ID)
    async with asyncio.timeout(5):
        await office.receivers.arrived["client.example"].wait()
        await office.outbox.finish()

    assert 1 == len(office.receivers.seen)


async def test_a_silent_host_keeps_nobody_else_waiting(office):
    """One receiver's outage is not everybody's."""
    office.receivers.waits["silent.example"] = asyncio.Event()
    await office.add(*(a_message("https://silent.example/") for _ in range(BATCH + 10)))
    await office.add(a_message("https://other.example/"))

    await office.outbox.run(ISSUER_ID)
    async with asyncio.timeout(5):
        await office.receivers.arrived["other.example"].wait()

    assert FLIGHTS_TO_HOST == office.receivers.urls.count("https://silent.example/")


async def test_a_host_that_is_away_is_asked_by_one_message_at_a_time(office):
    """A hundred connections a minute to a machine that is not there help nobody."""
    office.receivers.answers["client.example"] = AWAY
    await office.add(a_message())
    await office.deliver()

    await office.add(*(a_message() for _ in range(50)))
    await office.deliver()

    attempts = sorted(message.attempts for message in await office.waiting())
    assert (1, [0] * 50 + [1]) == (len(office.receivers.seen), attempts)


async def test_a_host_that_returns_gets_what_waited(office):
    """What was put off was not counted as an attempt, and is not late by hours."""
    office.receivers.answers["client.example"] = AWAY
    await office.add(*(a_message() for _ in range(3)))
    await office.deliver()

    office.receivers.answers["client.example"] = Delivered(204)
    for _ in range(5):
        office.clock.advance(timedelta(seconds=5))
        await office.deliver()

    assert () == await office.waiting()


async def test_logs_name_hosts_and_no_more(office, caplog):
    """A query may hold what lets somebody in, and a token says who signed out."""
    caplog.set_level(logging.DEBUG)
    office.receivers.answers["client.example"] = BROKEN
    await office.add(a_message("https://client.example/logout?key=hidden"))
    office.clock.advance(DAY)

    await office.deliver()

    assert "backchannel_logout to client.example: given up" in caplog.text
    assert not [word for word in ("hidden", "alice", "eyJ") if word in caplog.text]
