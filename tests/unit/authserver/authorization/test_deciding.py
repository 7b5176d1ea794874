"""What a person decides is stored with what comes of it, or not at all."""

from datetime import timedelta

import msgspec
import pytest

from registrary.authserver.authorization.consent import question_of
from registrary.authserver.authorization.deciding import USED, Decisions
from registrary.authserver.authorization.issuing import Allowed
from registrary.authserver.authorization.pushing import Pushed, Pushing
from registrary.authserver.authorization.request import AuthorizationRequest
from registrary.authserver.authorization.sources import Requests
from registrary.authserver.people.sessions import SignedIn
from registrary.core.changes import Changes, Put
from registrary.core.grants import AuthorizationCode, Consent, PushedRequest
from registrary.core.secrets import Prefix, parse_token
from registrary.testing.people_factories import a_person, a_session
from tests.unit.authserver.authorization.requests import GOOD, a_request, a_web_client
from tests.unit.authserver.kit import VISIT, Server

pytestmark = pytest.mark.anyio


class Office:
    """A server, a person who is signed in, and a client."""

    def __init__(self):
        self.server = Server()
        self.person = a_person()
        self.signed_in = SignedIn(self.person, a_session(person=self.person.id))
        self.client = a_web_client()
        self.decisions = Decisions(self.server.services, self.server.context)

    async def ready(self):
        """Store the client."""
        await self.server.add(self.client)
        return self

    def asked(self, **changes):
        """Return a request of the client."""
        return a_request(self.server.context, self.client, **changes)

    async def pushed(self):
        """Return a request of the client that was pushed."""
        services, context = self.server.services, self.server.context
        values = {name: (value,) for name, value in GOOD.items()}
        values["client_id"] = (self.client.client_id,)
        made = await Pushing(services).push(context, self.client, values, dpop_jkt=None)
        assert isinstance(made, Pushed)
        handle = {"client_id": values["client_id"], "request_uri": (made.request_uri,)}
        asked = await Requests(services).read(context, handle)
        assert isinstance(asked, AuthorizationRequest)
        return asked

    async def allow(self, asked, scope=None):
        """Allow what *asked* asks."""
        question = await self.decisions.question(asked, self.signed_in)
        return await self.decisions.allow(
            asked,
            self.signed_in,
            scope=asked.scope if scope is None else scope,
            answered=question if question.is_needed else None,
            visit=VISIT,
        )

    async def code(self, allowed):
        """Return the record of the code that was allowed."""
        assert isinstance(allowed, Allowed)
        assert allowed.code is not None
        parsed = parse_token(allowed.code.reveal(), Prefix.AUTHORIZATION_CODE)
        assert parsed is not None
        assert parsed.locator is not None
        return await self.server.store.get(
            AuthorizationCode, self.server.context.id, parsed.locator.hex()
        )

    async def consents(self):
        """Return what is remembered."""
        return (await self.server.store.page(Consent, self.server.context.id)).records

    async def handles(self):
        """Return the pushed requests that are kept."""
        return (await self.server.store.page(PushedRequest, self.server.context.id)).records


@pytest.mark.spec("AZ-054")
async def test_code_consent_and_the_end_of_what_was_pushed_are_one():
    """A code without its event, or a handle good for two, would be found by nobody."""
    office = await Office().ready()
    asked = await office.pushed()

    code = await office.code(await office.allow(asked, scope=("openid",)))

    (consent,) = await office.consents()
    (event,) = await office.server.events("authorization:allowed")
    assert () == await office.handles()
    assert (("openid",), asked.scope) == (code.authorization.scope, ("openid", "profile", "read"))
    assert (("openid",), ("profile", "read")) == (consent.scope, consent.declined)
    assert {"scope": ["openid"], "resources": []} == event["detail"]


@pytest.mark.spec("AZ-054", "AZ-062")
async def test_of_two_answers_to_one_handle_one_counts():
    """Two pages were open; the second comes too late, and leaves nothing."""
    office = await Office().ready()
    asked = await office.pushed()
    await office.allow(asked)

    second = await office.allow(asked)

    assert USED == second
    assert 1 == len(await office.server.events("authorization:allowed"))


async def test_a_consent_that_was_written_meanwhile_is_read_again():
    """Two tabs of one person must not end in an error."""
    office = await Office().ready()
    asked = office.asked(scope="openid read")
    other = office.asked(scope="openid write")
    question = question_of(asked, None)
    await office.allow(other)

    allowed = await office.decisions.allow(
        asked, office.signed_in, scope=asked.scope, answered=question, visit=VISIT
    )

    (consent,) = await office.consents()
    assert isinstance(allowed, Allowed)
    assert ("openid", "read", "write") == consent.scope


async def test_a_race_for_the_consent_is_won_in_the_end():
    """Whoever wrote first is not overwritten, and the person is not asked again."""
    office = await Office().ready()
    asked = office.asked(scope="openid read")
    await office.allow(asked)
    (before,) = await office.consents()
    raced = msgspec.structs.replace(before, scope=("openid", "phone", "read"), revision=2)
    office.server.store.meanwhile = Changes(puts=(Put(raced, expected=1),))

    await office.allow(office.asked(scope="openid write"))

    (consent,) = await office.consents()
    assert (("openid", "phone", "read", "write"), 3) == (consent.scope, consent.revision)


async def test_a_refusal_leaves_an_event_and_no_code():
    """Who said no to what is for the person and the operator to know."""
    office = await Office().ready()
    asked = await office.pushed()

    await office.decisions.deny(asked, office.signed_in, visit=VISIT)

    (event,) = await office.server.events("authorization:denied")
    assert office.client.client_id == event["client_id"]
    assert office.person.id == event["actor"]["id"]
    assert () == await office.handles()


async def test_what_a_code_stands_for_is_of_this_moment():
    """A person or client that is ended later ends it too."""
    office = await Office().ready()
    session = office.signed_in.session

    code = await office.code(await office.allow(office.asked(nonce="n", max_age="60")))

    authorization = code.authorization
    assert ("n", session.auth_time, session.session_id) == (
        authorization.nonce,
        authorization.auth_time,
        authorization.session_id,
    )
    assert {"id_token": {"auth_time": {"essential": True}}} == authorization.claims
    assert timedelta(seconds=60) == code.expires_at - code.created_at
    assert GOOD["redirect_uri"] == code.redirect_uri
    assert GOOD["code_challenge"] == code.code_challenge


async def test_a_handle_is_good_for_a_short_while():
    """The record outlives it, for who came in time and takes long over the page."""
    office = await Office().ready()

    asked = await office.pushed()

    (kept,) = await office.handles()
    assert timedelta(seconds=90) == kept.good_until - kept.created_at
    assert kept.expires_at > kept.good_until
    assert kept.good_until == asked.source.good_until


@pytest.mark.spec("AZ-020")
async def test_a_claim_that_was_not_allowed_is_not_told():
    """The box of its scope was left empty, and the next time it is not asked again."""
    office = await Office().ready()
    wish = '{"userinfo": {"email": null, "name": null}, "id_token": {"acr": null}}'
    asked = office.asked(scope="openid read", claims=wish)

    code = await office.code(await office.allow(asked, scope=("openid", "read", "profile")))

    question = await office.decisions.question(asked, office.signed_in)
    authorization = code.authorization
    assert ("openid", "read", "email", "profile") == asked.decided_scope
    assert ("openid", "read") == authorization.scope
    assert {"userinfo": {"name": None}, "id_token": {"acr": None}} == authorization.claims
    assert not question.is_needed
