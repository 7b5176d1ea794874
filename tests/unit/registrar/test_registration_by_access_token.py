"""An access token with the scope ``dcr`` registers one client, for who got it, where allowed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from registrary.core.draft import Applicant, PresentedToken, RegistrationAccess
from registrary.core.events import ActorKind
from registrary.policy.decision import Accepted, Refused
from registrary.registrar.registration import Registrar
from registrary.testing.clock import MOMENT
from tests.unit.registrar.desk import PEER, Desk

pytestmark = pytest.mark.anyio

ACCESS = RegistrationAccess(
    jti="jti-1",
    client_id="a-client",
    person=None,
    scope=("dcr",),
    expires_at=MOMENT + timedelta(minutes=5),
)
BY_PERSON = msgspec.structs.replace(ACCESS, jti="jti-2", person="a-person")
LIVE = {
    "of-a-client": ACCESS,
    "of-a-person": BY_PERSON,
    "without-scope": msgspec.structs.replace(ACCESS, jti="jti-3", scope=("read",)),
}


class KnownTokens:
    """`AccessTokens` that know the three above."""

    async def registration_access(self, issuer, text):
        """Return what *text* allows."""
        del issuer
        return LIVE.get(text)


def a_desk(**issuer):
    """Return a desk at which access tokens are taken as *issuer* says."""
    desk = Desk(**issuer)
    desk.services = replace(desk.services, access_tokens=KnownTokens())
    desk.registrar = Registrar(desk.services)
    return desk


async def register(desk, token, *, in_path=False):
    """Register with *token*."""
    who = Applicant(PresentedToken(token, in_path), PEER, "request-1")
    entry = await desk.registrar.enter(desk.context, who)
    if isinstance(entry, Refused):
        return entry
    document = {"redirect_uris": ["https://client.example/cb"]}
    return await desk.registrar.register(desk.context, entry, document)


BOTH = {"clients_may_register": True, "people_may_register": True}


@pytest.mark.parametrize(
    ("token", "bearer", "kind"),
    [
        ("of-a-client", "client:a-client", ActorKind.CLIENT),
        ("of-a-person", "person:a-person", ActorKind.PERSON),
    ],
)
async def test_it_registers_one_client_for_who_got_it(token, bearer, kind):
    """Who registered is the first question about a client nobody knows."""
    desk = a_desk(**BOTH)

    first = await register(desk, token)
    second = await register(desk, token)

    assert isinstance(first, Accepted)
    assert (bearer, kind) == (
        first.client.door.registered_by,
        first.changes.events[0].actor.kind,
    )
    assert isinstance(second, Refused)
    assert "invalid_token" == second.code


async def test_of_many_at_once_one_succeeds():
    """A token that serves once must not serve twice to who is quick."""
    desk = a_desk(**BOTH)

    outcomes = await asyncio.gather(*(register(desk, "of-a-client") for _ in range(5)))

    assert 1 == sum(isinstance(outcome, Accepted) for outcome in outcomes)


@pytest.mark.parametrize(
    ("allowed", "token"),
    [
        ({}, "of-a-client"),
        ({}, "of-a-person"),
        ({"clients_may_register": True}, "of-a-person"),
        ({"people_may_register": True}, "of-a-client"),
        (BOTH, "of-nobody"),
    ],
)
async def test_it_is_refused_where_the_issuer_does_not_allow_it(allowed, token):
    """Each way in is a decision of the operator."""
    outcome = await register(a_desk(**allowed), token)

    assert isinstance(outcome, Refused)
    assert "invalid_token" == outcome.code


async def test_it_needs_the_scope():
    """A token for reading claims must not make clients."""
    outcome = await register(a_desk(**BOTH), "without-scope")

    assert isinstance(outcome, Refused)
    assert "insufficient_scope" == outcome.code


async def test_it_is_not_taken_from_the_path():
    """Addresses end up in logs; an access token opens more than this door."""
    outcome = await register(a_desk(**BOTH), "of-a-client", in_path=True)

    assert isinstance(outcome, Refused)
    assert "invalid_token" == outcome.code
