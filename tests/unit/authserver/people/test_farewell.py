"""Who is told that a session ended, and what ends with it."""

from datetime import timedelta

import msgspec
import pytest

from registrary.core.changes import Changes, Put
from registrary.core.deliveries import REVOCATIONS, EventStream, Message
from registrary.core.events import Tag
from registrary.core.grants import GrantOfPerson
from registrary.core.people import Session
from registrary.policy.security_events import EventType, Initiator
from registrary.testing.clock import MOMENT
from registrary.testing.factories import a_client, an_id, some_metadata
from registrary.testing.people_factories import a_grant, an_authorization
from tests.unit.authserver.people.kit import VISIT, House

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
LOGOUT_URI = "https://client.example/logged-out?from=us"


class Lodge(House):
    """A house whose guests use clients, and whose neighbours want to know who left."""

    async def client(self, **metadata):
        """Store a client that wants to be told of logouts, unless *metadata* says otherwise."""
        wanted = {"backchannel_logout_uri": LOGOUT_URI, "subject_type": "public"} | metadata
        members = {name: value for name, value in wanted.items() if value is not None}
        client = a_client(issuer=self.context.id, metadata=some_metadata(**members))
        await self.store.commit(Changes(puts=(Put(client),)))
        return client

    async def used(self, session, *clients):
        """Note that tokens were given to *clients* in *session*."""
        for client in clients:
            session = await self.sessions.note_client(self.context, session, client.client_id)
        return session

    async def stream(self, **what_matters):
        """Store somebody who wants to be told of security events."""
        stream = EventStream(
            issuer=self.context.id,
            id=an_id(),
            url="https://receiver.example/",
            audience="https://receiver.example",
            created_at=MOMENT,
            updated_at=MOMENT,
        )
        stream = msgspec.structs.replace(stream, **what_matters)
        await self.store.commit(Changes(puts=(Put(stream),)))
        return stream

    async def allowed(self, session, *, scope, session_id=None):
        """Store a grant that the person of *session* allowed."""
        authorization = an_authorization(
            person=session.person, scope=scope, session_id=session_id or session.session_id
        )
        grant = a_grant(issuer=self.context.id, authorization=authorization)
        lead = GrantOfPerson(
            issuer=self.context.id,
            person=session.person,
            client_id=authorization.client_id,
            grant=grant.id,
            expires_at=MOMENT + DAY,
        )
        await self.store.commit(Changes(puts=(Put(grant), Put(lead))))
        return grant

    async def messages(self, purpose):
        """Return what is owed to others for *purpose*."""
        page = await self.store.page(Message, self.context.id)
        return [message for message in page.records if message.purpose == purpose]


@pytest.mark.spec("C-054", "C-059", "L-010", "L-011")
async def test_a_client_of_the_session_is_owed_a_logout_token():
    """It holds a session of its own, which nobody else can end."""
    lodge = Lodge()
    signed_in, _ = await lodge.sign_in(await lodge.person())
    client = await lodge.client()
    session = await lodge.used(signed_in.session, client)

    await lodge.sessions.end(lodge.context, session, visit=VISIT)

    (message,) = await lodge.messages("backchannel_logout")
    assert (LOGOUT_URI, client.client_id) == (message.url, message.about)
    assert {
        "iss": lodge.context.issuer.url,
        "sub": session.person,
        "aud": client.client_id,
        "sid": session.session_id,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    } == message.claims
    assert ("RS256", MOMENT + DAY) == (message.alg, message.give_up_at)


async def test_a_client_that_does_not_want_to_know_is_told_nothing():
    """There is nowhere to send it to."""
    lodge = Lodge()
    signed_in, _ = await lodge.sign_in(await lodge.person())
    session = await lodge.used(signed_in.session, await lodge.client(backchannel_logout_uri=None))

    await lodge.sessions.end(lodge.context, session, visit=VISIT)

    assert [] == await lodge.messages("backchannel_logout")


async def test_a_client_knows_the_person_by_its_own_name_for_them():
    """A public subject would undo what pairwise subjects are for."""
    lodge = Lodge()
    signed_in, _ = await lodge.sign_in(await lodge.person())
    session = await lodge.used(signed_in.session, await lodge.client(subject_type="pairwise"))

    await lodge.sessions.end(lodge.context, session, visit=VISIT)

    (message,) = await lodge.messages("backchannel_logout")
    assert session.person not in (message.claims["sub"], None)


@pytest.mark.spec("L-012")
@pytest.mark.parametrize(
    ("registered", "expected"), [("ES256", "ES256"), ("EdDSA", "EdDSA"), ("none", "RS256")]
)
async def test_it_is_signed_as_the_clients_id_tokens_are(registered, expected):
    """A client verifies with what it has; an unsigned one would let anybody log people out."""
    lodge = Lodge()
    signed_in, _ = await lodge.sign_in(await lodge.person())
    client = await lodge.client(id_token_signed_response_alg=registered)
    session = await lodge.used(signed_in.session, client)

    await lodge.sessions.end(lodge.context, session, visit=VISIT)

    assert [expected] == [message.alg for message in await lodge.messages("backchannel_logout")]


async def test_a_session_that_ends_twice_is_told_of_once():
    """Two buttons pressed at once are one sign-out."""
    lodge = Lodge()
    signed_in, _ = await lodge.sign_in(await lodge.person())
    session = await lodge.used(signed_in.session, await lodge.client())

    for _ in range(2):
        await lodge.sessions.end(lodge.context, session, visit=VISIT)

    assert 1 == len(await lodge.messages("backchannel_logout"))


async def test_a_client_noted_a_moment_ago_is_told_too():
    """The session as the browser's request saw it may be older than what is stored."""
    lodge = Lodge()
    signed_in, _ = await lodge.sign_in(await lodge.person())
    await lodge.used(signed_in.session, await lodge.client())

    await lodge.sessions.end(lodge.context, signed_in.session, visit=VISIT)

    assert 1 == len(await lodge.messages("backchannel_logout"))


@pytest.mark.spec("L-014")
async def test_what_was_allowed_for_the_session_ends_with_it():
    """Back-Channel Logout §2.7: offline access goes on, the rest does not."""
    lodge = Lodge()
    signed_in, _ = await lodge.sign_in(await lodge.person())
    session = signed_in.session
    grants = {
        "online": await lodge.allowed(session, scope=("openid", "profile")),
        "offline": await lodge.allowed(session, scope=("openid", "offline_access")),
        "access alone": await lodge.allowed(session, scope=("read",)),
        "another session": await lodge.allowed(session, scope=("openid",), session_id="other"),
    }

    await lodge.sessions.end(lodge.context, session, visit=VISIT)

    ended = {
        name: (await lodge.stored(grant)).revoked_at is not None for name, grant in grants.items()
    }
    assert {
        "online": True,
        "offline": False,
        "access alone": False,
        "another session": False,
    } == ended
    assert Tag.GRANT_ENDED in await lodge.tags()
    assert 1 == await lodge.store.counter(lodge.context.id, REVOCATIONS)


async def test_subscribers_are_told_which_session_ended():
    """A resource server that keeps sessions of its own drops this one and no other."""
    lodge = Lodge()
    stream = await lodge.stream()
    await lodge.stream(events=(EventType.CLIENT_REVOKED.value,))
    signed_in, _ = await lodge.sign_in(await lodge.person())

    await lodge.sessions.end(lodge.context, signed_in.session, visit=VISIT)

    (message,) = await lodge.messages("security_event")
    issuer = lodge.context.issuer.url
    assert stream.id == message.about
    assert {
        "format": "complex",
        "user": {"format": "iss_sub", "iss": issuer, "sub": signed_in.person.id},
        "session": {"format": "opaque", "id": signed_in.session.session_id},
    } == message.claims["sub_id"]
    assert {
        EventType.SESSION_REVOKED.value: {
            "event_timestamp": int(MOMENT.timestamp()),
            "initiating_entity": "user",
        }
    } == message.claims["events"]


async def test_signing_out_everywhere_tells_the_clients_of_every_session():
    """A lost laptop is forgotten by everybody who knew it."""
    lodge = Lodge()
    anna, client = await lodge.person(), await lodge.client()
    await lodge.stream()
    for _ in range(2):
        signed_in, _ = await lodge.sign_in(anna)
        await lodge.used(signed_in.session, client)

    await lodge.sessions.end_all(lodge.context, anna, visit=VISIT)

    told = {message.claims["sid"] for message in await lodge.messages("backchannel_logout")}
    (event,) = await lodge.messages("security_event")
    assert 2 == len(told)
    assert {
        "format": "iss_sub",
        "iss": lodge.context.issuer.url,
        "sub": anna.id,
    } == event.claims["sub_id"]
    assert 1 == await lodge.store.counter(lodge.context.id, REVOCATIONS)


async def test_an_administrator_tells_subscribers_what_else_became_of_the_person():
    """Who is disabled must not be let in by anybody."""
    lodge = Lodge()
    anna = await lodge.person()
    await lodge.stream()
    await lodge.sign_in(anna)

    ending = await lodge.sessions.ending_all(
        lodge.context,
        anna,
        initiator=Initiator.ADMIN,
        events=(EventType.ACCOUNT_DISABLED, EventType.SESSION_REVOKED),
    )

    told = [put.record.claims["events"] for put in ending.puts if isinstance(put.record, Message)]
    assert [[EventType.ACCOUNT_DISABLED.value], [EventType.SESSION_REVOKED.value]] == [
        list(events) for events in told
    ]
    assert {"admin"} == {event["initiating_entity"] for one in told for event in one.values()}


async def test_whoever_signs_in_over_another_ends_their_session():
    """The browser forgets the first person; so must the clients they used."""
    lodge = Lodge()
    first, _ = await lodge.sign_in(await lodge.person())
    session = await lodge.used(first.session, await lodge.client())
    second = await lodge.person(username="second")

    await lodge.sessions.begin(
        lodge.context, second, amr=("pwd",), acr=None, visit=VISIT, replaces=session
    )

    assert 1 == len(await lodge.messages("backchannel_logout"))
    assert await lodge.store.get(Session, lodge.context.id, session.id) is None
