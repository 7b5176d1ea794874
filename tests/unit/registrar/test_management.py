"""Clients manage themselves: what holds whatever happens at the same time."""

import asyncio
from datetime import timedelta

import pytest

from registrary.core.client import Client
from registrary.policy.decision import Accepted, Refused
from registrary.policy.updating import Rotation
from tests.unit.registrar.desk import Desk, visit

pytestmark = pytest.mark.anyio


async def rotated(desk: Desk, client: Client, token: str, wanted: Rotation) -> str:
    """Let *client* replace a credential and return the new one."""
    document = {"client_id": client.client_id, **client.metadata}
    answer = await desk.manager.update(
        desk.context, visit(client, token), document, rotation=wanted
    )
    assert isinstance(answer, Accepted)
    new = answer.client_secret or answer.registration_access_token
    assert new
    return new.reveal()


async def reads(desk: Desk, client: Client, token: str) -> bool:
    """Tell whether *client* can read itself with *token*."""
    return isinstance(await desk.manager.read(desk.context, visit(client, token)), Client)


@pytest.mark.spec("B-051", "T-49")
async def test_a_token_outlives_any_number_of_rotations_whose_answers_were_lost():
    """A client on a bad line asks again and again, and is not locked out by its own patience."""
    desk = Desk()
    client, token = await desk.add()

    lost = [
        await rotated(desk, client, token, Rotation.REGISTRATION_ACCESS_TOKEN) for _ in range(3)
    ]

    assert [False, False, True] == [await reads(desk, client, one) for one in lost]
    assert not await reads(desk, client, token), "the newest was used, so the old one has ended"


async def test_rotations_at_once_leave_the_token_in_use_alone():
    """A fleet that rotates together loses answers to each other, and none of its members."""
    desk = Desk()
    client, token = await desk.add()

    made = await asyncio.gather(
        *(rotated(desk, client, token, Rotation.REGISTRATION_ACCESS_TOKEN) for _ in range(5))
    )

    assert await reads(desk, client, token)
    kept = (await desk.stored(client)).registration_access_tokens
    assert (5, 2) == (len(set(made)), len(kept))


async def test_the_old_token_ends_a_day_after_the_first_rotation():
    """Rotating again does not keep a leaked token alive."""
    desk = Desk()
    client, token = await desk.add()
    await rotated(desk, client, token, Rotation.REGISTRATION_ACCESS_TOKEN)
    desk.clock.advance(timedelta(hours=23))
    last = await rotated(desk, client, token, Rotation.REGISTRATION_ACCESS_TOKEN)
    desk.clock.advance(timedelta(hours=1))

    assert [False, True] == [await reads(desk, client, one) for one in (token, last)]


async def test_a_first_use_that_loses_a_race_still_ends_the_old_token():
    """A successor that passes for unused would be replaced by the next rotation."""
    desk = Desk()
    client, token = await desk.add()
    new = await rotated(desk, client, token, Rotation.REGISTRATION_ACCESS_TOKEN)
    stored = await desk.stored(client)
    desk.store.meanwhile = [desk.changes(stored, updated_at=desk.clock.now())]

    found = await desk.manager.read(desk.context, visit(client, new))

    assert not isinstance(found, Refused)
    assert 1 == len((await desk.stored(client)).registration_access_tokens)
    assert not await reads(desk, client, token)


async def test_a_token_taken_away_during_its_first_use_reads_nothing():
    """Whoever rotated a moment ago must not see the token it replaced."""
    desk = Desk()
    client, token = await desk.add()
    new = await rotated(desk, client, token, Rotation.REGISTRATION_ACCESS_TOKEN)
    stored = await desk.stored(client)
    desk.store.meanwhile = [desk.changes(stored, registration_access_tokens=())]

    assert not await reads(desk, client, new)


async def test_a_secret_outlives_rotations_whose_answers_were_lost():
    """The service goes on with the secret it has until a new one reaches it."""
    desk = Desk()
    client, token = await desk.add()
    [before] = client.secrets

    for _ in range(3):
        await rotated(desk, client, token, Rotation.CLIENT_SECRET)

    kept = (await desk.stored(client)).secrets
    assert [before.mac] == [one.mac for one in kept[:-1]]
    assert kept[0].is_usable(desk.clock.now() + timedelta(days=6))
