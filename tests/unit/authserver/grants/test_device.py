"""How long devices wait, how often they may ask, and how often somebody may guess."""

import asyncio
from datetime import timedelta

import pytest

from registrary.authserver.grants.device import (
    LETTERS,
    Devices,
    Started,
    plain_code,
    shown_code,
)
from registrary.authserver.grants.request import TokenAnswer, TokenRequest
from registrary.authserver.people.sessions import SignedIn
from registrary.core.metadata.grants import DEVICE_CODE
from registrary.testing.people_factories import a_session
from tests.unit.authserver.grants.kit import Grants, outcome
from tests.unit.authserver.kit import VISIT

pytestmark = pytest.mark.anyio


async def ready():
    """Return a server, a client that runs on devices, and the answer one of these got."""
    server = await Grants.ready()
    client = await server.public(grant_types=[DEVICE_CODE, "refresh_token"])
    request = TokenRequest(client=client, visit=VISIT)
    started = await Devices(server.services).start(server.context, request)
    assert isinstance(started, Started)
    return server, client, started


async def ask(server, client, started) -> str:
    """Ask as the device, and return what came of it."""
    answer = await server.grants.device.redeem(
        server.context, TokenRequest(client=client, visit=VISIT), started.device_code.reveal()
    )
    return outcome(answer)


async def allow(server, client, started):
    """Allow the device as the person."""
    devices = Devices(server.services)
    device = await devices.waiting(server.context, started.user_code)
    assert device is not None
    signed_in = SignedIn(server.person, a_session(person=server.person.id))
    await devices.allow(
        server.context, device, client, signed_in=signed_in, scope=device.scope, visit=VISIT
    )


@pytest.mark.spec("G-073")
async def test_the_interval_grows_by_five_seconds_each_time():
    """RFC 8628 §3.5: a device that does not listen is slowed down more and more."""
    server, client, started = await ready()

    seen = []
    for seconds in (0, 5, 4, 9, 10, 15):
        server.clock.advance(timedelta(seconds=seconds))
        seen.append(await ask(server, client, started))

    assert [
        "authorization_pending",
        "authorization_pending",
        "slow_down",
        "slow_down",
        "slow_down",
        "slow_down",
    ] == seen
    server.clock.advance(timedelta(seconds=30))
    assert "authorization_pending" == await ask(server, client, started)


@pytest.mark.spec("G-072")
async def test_a_device_that_waits_too_long_is_told():
    """§3.5: it begins anew instead of asking for ever; its code lets nobody in any more."""
    server, client, started = await ready()
    server.clock.advance(timedelta(minutes=10))

    found = await ask(server, client, started)
    waiting = await Devices(server.services).waiting(server.context, started.user_code)

    assert ("expired_token", None) == (found, waiting)


@pytest.mark.spec("G-074")
async def test_of_many_questions_at_once_one_gets_the_tokens():
    """A device code is good once, however fast it is asked for."""
    server, client, started = await ready()
    await allow(server, client, started)

    found = await asyncio.gather(*(ask(server, client, started) for _ in range(5)))

    assert ["invalid_grant"] * 4 + ["issued"] == sorted(found)


async def test_what_was_allowed_ends_with_the_client():
    """A client that was stopped in between gets nothing."""
    server, client, started = await ready()
    await allow(server, client, started)
    client = await server.change(client, token_generation=1)

    assert "invalid_grant" == await ask(server, client, started)


@pytest.mark.spec("G-071")
async def test_user_codes_are_drawn_evenly_and_read_forgivingly():
    """20 letters in eight places: 34 bits, and no two that look alike."""
    server, client, _ = await ready()
    devices, request = Devices(server.services), TokenRequest(client=client, visit=VISIT)

    codes = [await devices.start(server.context, request) for _ in range(300)]

    letters = "".join(plain_code(one.user_code) for one in codes if isinstance(one, Started))
    assert set(LETTERS) == set(letters)
    assert 8 * 300 == len(letters)
    assert "BCDFGHJK" == plain_code(" bcdf–ghjk ") == plain_code(shown_code("BCDFGHJK"))


async def test_tokens_of_a_device_are_counted_and_kept():
    """The grant is on record like any other, for the person to end."""
    server, client, started = await ready()
    await allow(server, client, started)

    answer = await server.grants.device.redeem(
        server.context, TokenRequest(client=client, visit=VISIT), started.device_code.reveal()
    )

    assert isinstance(answer, TokenAnswer)
    grant = await server.grant_of(answer)
    assert (DEVICE_CODE, server.person.id) == (grant.grant_type, grant.authorization.person)
    assert 1 == server.issues.noted[server.context.id, client.client_id, DEVICE_CODE]
