"""Clients manage themselves: what holds whatever happens at the same time."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from registrary.core.client import Client, Door
from registrary.core.issuer import Limits, RegistrationPolicy, RuleSet
from registrary.core.lifecycle import HARD_HOLDS, ClientState, HoldKind
from registrary.policy.decision import Accepted, Refused
from registrary.policy.updating import Rotation
from registrary.testing.factories import a_hold, some_metadata
from tests.unit.registrar.desk import PEER, Desk, visit

pytestmark = pytest.mark.anyio


async def rotated(desk: Desk, client: Client, token: str, wanted: Rotation) -> str:
    """Let *client* replace a credential and return the new one."""
    answer = await desk.update(client, token, rotation=wanted)
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


async def settled(desk: Desk, **members) -> tuple[Client, str]:
    """Return a client whose registration is what it would send, with every default in it."""
    client, token = await desk.add(**members)
    answer = await desk.update(client, token)
    assert isinstance(answer, Accepted)
    return answer.client, token


async def test_an_update_that_changes_nothing_writes_nothing():
    """A client that repeats itself every second must not fill the disk of everybody."""
    desk = Desk()
    client, token = await settled(desk)
    before = await desk.events()
    desk.store.commits = 0

    answers = [await desk.update(client, token) for _ in range(3)]

    assert [client] * 3 == [isinstance(one, Accepted) and one.client for one in answers]
    assert 0 == desk.store.commits
    assert (client, before) == (await desk.stored(client), await desk.events())


async def test_saying_what_was_understood_anyway_changes_nothing():
    """Defaults that are sent, and left out again, are the same registration."""
    desk = Desk()
    client, token = await settled(desk)
    desk.store.commits = 0

    shorter = await desk.update(client, token, response_types=None, application_type=None)
    longer = await desk.update(client, token)

    assert isinstance(shorter, Accepted)
    assert isinstance(longer, Accepted)
    assert 0 == desk.store.commits


async def test_a_rotation_alone_is_a_change():
    """The registration is the same, the credential is not."""
    desk = Desk()
    client, token = await settled(desk)

    await rotated(desk, client, token, Rotation.CLIENT_SECRET)

    assert client.revision + 1 == (await desk.stored(client)).revision
    assert 1 == len(await desk.events("client:secret_rotated"))


async def test_a_client_changes_itself_so_often_and_no_more():
    """Two documents sent in turn would write megabytes a second, each time with an event."""
    desk = Desk(limits=Limits(updates_per_minute=3))
    client, token = await desk.add()
    other, its_token = await desk.add()

    answers = [await desk.update(client, token, client_name=name) for name in "abab"]
    rotation = await desk.update(client, token, rotation=Rotation.CLIENT_SECRET)
    deletion = await desk.manager.delete(desk.context, visit(client, token))

    assert [True, True, True] == [isinstance(one, Accepted) for one in answers[:3]]
    for refused in (answers[3], rotation, deletion):
        assert isinstance(refused, Refused)
        assert ("too_many_requests", True) == (refused.code, refused.retry_after is not None)
    assert Counter({(PEER, "too_many_requests"): 3}) == desk.counted()
    assert 3 == len(await desk.events())
    assert await reads(desk, client, token), "reading writes nothing, so nothing bounds it"
    assert isinstance(await desk.update(other, its_token), Accepted)


async def test_a_client_may_change_itself_again_later():
    """The limit is on how often, and ends by itself."""
    desk = Desk(limits=Limits(updates_per_minute=1))
    client, token = await desk.add()
    await desk.update(client, token, client_name="a")
    refused = await desk.update(client, token, client_name="b")
    assert isinstance(refused, Refused)
    assert refused.retry_after

    desk.clock.advance(refused.retry_after)

    assert isinstance(await desk.update(client, token, client_name="b"), Accepted)


async def test_nobody_takes_the_turns_of_another_client():
    """A stranger who knows an id must not keep its client from leaving."""
    desk = Desk(limits=Limits(updates_per_minute=1))
    client, token = await desk.add()

    for _ in range(3):
        await desk.manager.delete(desk.context, visit(client, "rgy_rat_" + "0" * 71))

    assert await desk.manager.delete(desk.context, visit(client, token)) is None


async def test_an_update_that_loses_a_race_takes_one_turn():
    """Being decided again is the server's doing, not the client's."""
    desk = Desk(limits=Limits(updates_per_minute=1))
    client, token = await desk.add()
    desk.store.meanwhile = [desk.changes(client, updated_at=desk.clock.now())]

    assert isinstance(await desk.update(client, token, client_name="a"), Accepted)


async def test_what_a_client_is_refused_again_and_again_is_counted():
    """The first is an event with its facts; a thousand more within the minute are a number."""
    desk = Desk()
    client, token = await desk.add()
    other, its_token = await desk.add(**held(HoldKind.ADMIN))

    for _ in range(5):
        await desk.update(client, token, redirect_uris=["x"])
        await desk.update(client, token, client_uri="x")
        await desk.update(other, its_token)
        await desk.manager.delete(desk.context, visit(other, its_token))

    assert {
        ("client:update_refused", "invalid_redirect_uri"): 1,
        ("client:update_refused", "invalid_client_metadata"): 1,
        ("client:update_refused", "access_denied"): 1,
        ("client:delete_refused", "access_denied"): 1,
    } == Counter((event["tag"], event["reason"]) for event in await desk.events())
    assert {
        (client.client_id, "client:update_refused invalid_redirect_uri"): 4,
        (client.client_id, "client:update_refused invalid_client_metadata"): 4,
        (other.client_id, "client:update_refused access_denied"): 4,
        (other.client_id, "client:delete_refused access_denied"): 4,
    } == desk.counted()
    await desk.update(client, token, redirect_uris=["x"])
    assert 5 == len(await desk.events()), "the counts were written, so the next is news again"


def ceiling(name: str, **sides) -> RegistrationPolicy:
    """Return a policy that bounds these sides."""
    return RegistrationPolicy(name=name, **sides)


OWN = ceiling("own", scopes=("openid", "profile"), redirect_hosts=("client.example",))
HOUSE = ceiling("house", scopes=("openid", "email"), client_secret_lifetime=timedelta(days=1))
HOSTS = ceiling("hosts", redirect_hosts=("client.example",))


@pytest.mark.parametrize(
    ("bound", "defaults", "expected"),
    [
        ((), (), "openid profile email"),
        (("own",), (), "openid profile"),
        ((), ("house",), "openid email"),
        (("own",), ("house",), "openid"),
        (("own", "house"), ("house",), "openid"),
    ],
    ids=["none", "its-door", "present-defaults", "both", "the-same-twice"],
)
@pytest.mark.spec("B-049")
async def test_an_update_is_bound_by_door_and_house(bound, defaults, expected):
    """A client that came before the rules does not update itself past those who come after."""
    desk = Desk(policies=(OWN, HOUSE), default_policies=defaults)
    client, token = await desk.add(door=Door(mode="protected", policies=bound))

    answer = await desk.update(client, token, scope="openid profile email")

    assert isinstance(answer, Accepted)
    assert expected == answer.client.metadata["scope"]
    assert bound == answer.client.door.policies, "how it came in stays as it was"


@pytest.mark.spec("B-049")
async def test_a_host_that_is_forbidden_today_is_not_moved_to():
    """A policy against open redirects is of use only if it reaches every client."""
    desk = Desk(policies=(HOSTS,), default_policies=("hosts",))
    client, token = await desk.add()

    answers = [
        await desk.update(client, token, redirect_uris=[f"https://{host}/cb"])
        for host in ("evil.example", "client.example")
    ]

    assert ["invalid_redirect_uri", "accepted"] == [
        one.code if isinstance(one, Refused) else "accepted" for one in answers
    ]


async def test_a_new_secret_lives_as_long_as_the_shortest_rule_of_today_allows():
    """Rotating is how old clients come under the lifetime that new ones have."""
    desk = Desk(policies=(HOUSE,), default_policies=("house",))
    client, token = await desk.add(metadata=some_metadata(scope="openid"))

    await rotated(desk, client, token, Rotation.CLIENT_SECRET)

    assert (
        desk.clock.now() + timedelta(days=1) == (await desk.stored(client)).secrets[-1].expires_at
    )


SOFT = [kind for kind in HoldKind if kind not in HARD_HOLDS]
EXPIRED = HoldKind.CREDENTIAL_EXPIRED


def held(*kinds: HoldKind) -> dict[str, Any]:
    """Return what of a client makes it one that is held."""
    return {"state": ClientState.SUSPENDED, "holds": tuple(a_hold(kind=kind) for kind in kinds)}


def code_of(answer: Accepted | Refused | None) -> str:
    """Return what became of a request."""
    return answer.code if isinstance(answer, Refused) else "done"


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        *[(held(kind), "access_denied") for kind in HoldKind if kind is not EXPIRED],
        (held(EXPIRED), "done"),
        (held(EXPIRED, HoldKind.POLICY_DRIFT), "access_denied"),
        (held(EXPIRED, HoldKind.INCIDENT), "access_denied"),
        ({"state": ClientState.EXPIRED}, "access_denied"),
        ({"state": ClientState.ACTIVE}, "done"),
        ({"state": ClientState.PENDING}, "done"),
    ],
    ids=lambda value: (
        value
        if isinstance(value, str)
        else "+".join([value["state"], *(one.kind for one in value.get("holds", ()))])
    ),
)
@pytest.mark.parametrize("rotation", Rotation)
@pytest.mark.spec("B-021")
async def test_a_client_that_is_held_replaces_no_credential(standing, rotation, expected):
    """Who took its tokens would come back with a secret of its own once the hold is lifted.

    Held for nothing but credentials that expired, a client may get the new ones it lacks.
    """
    desk = Desk()
    client, token = await settled(desk)
    client = await desk.change(client, **standing)

    answer = await desk.update(client, token, rotation=rotation)

    assert expected == code_of(answer)
    kept = await desk.stored(client)
    assert (client.state, client.holds) == (kept.state, kept.holds), "no token lifts a hold"
    credentials = (client.secrets, client.registration_access_tokens)
    is_as_before = credentials == (kept.secrets, kept.registration_access_tokens)
    assert is_as_before == (expected != "done")


@pytest.mark.parametrize("kind", SOFT)
@pytest.mark.spec("B-021")
async def test_a_client_under_a_soft_hold_mends_what_people_read(kind):
    """The owner who is to be reached again can say where, and nothing that widens anything."""
    desk = Desk()
    client, token = await settled(desk)
    client = await desk.change(client, **held(kind))

    answers = [
        await desk.update(client, token, **changes)
        for changes in (
            {"contacts": ["owner@client.example"]},
            {"redirect_uris": ["https://client.example/other"]},
            {"scope": "openid"},
        )
    ]

    assert ["done", "access_denied", "access_denied"] == [code_of(one) for one in answers]
    assert await reads(desk, client, token)


@pytest.mark.parametrize("kind", HoldKind)
@pytest.mark.spec("B-021")
async def test_a_client_may_end_itself_unless_it_is_under_a_hard_hold(kind):
    """Less access is always welcome; what an incident concerns stays to be looked into."""
    desk = Desk()
    client, token = await desk.add(**held(kind))

    answer = await desk.manager.delete(desk.context, visit(client, token))

    assert ("access_denied" if kind in HARD_HOLDS else "done") == code_of(answer)


PAIRWISE = {"redirect_uris": ["https://client.example/cb"], "subject_type": "pairwise"}
ELSEWHERE = ["https://other.example/cb"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"redirect_uris": ELSEWHERE}, "sector_identifier_uri"),
        ({"subject_type": "public"}, "subject_type"),
        ({"subject_type": None}, "subject_type"),
        ({"subject_type": "public", "redirect_uris": ELSEWHERE}, "subject_type"),
        (
            {"redirect_uris": None, "grant_types": ["client_credentials"], "response_types": []},
            "sector_identifier_uri",
        ),
    ],
    ids=["another-host", "public", "left-out", "public-elsewhere", "no-host"],
)
@pytest.mark.spec("B-054")
async def test_a_sector_is_left_neither_at_once_nor_in_two_steps(changes, field):
    """Who goes public and comes back elsewhere would learn what people are called there."""
    desk = Desk(rule_set=RuleSet.OIDF_DYNAMIC)
    client, token = await settled(desk, metadata=some_metadata(**PAIRWISE, response_types=["code"]))

    answer = await desk.update(client, token, **changes)

    assert isinstance(answer, Refused)
    assert ("invalid_client_metadata", [field]) == (
        answer.code,
        [problem.field for problem in answer.problems],
    )


@pytest.mark.spec("B-054")
async def test_a_client_may_move_within_its_sector_and_into_one():
    """Only what changes people's names is refused."""
    desk = Desk(rule_set=RuleSet.OIDF_DYNAMIC)
    client, token = await settled(desk)
    same = ["https://client.example/other"]

    answers = [
        await desk.update(client, token, **changes)
        for changes in (
            {"redirect_uris": ELSEWHERE},
            PAIRWISE,
            PAIRWISE | {"redirect_uris": same},
        )
    ]

    assert ["done"] * 3 == [code_of(one) for one in answers]


@pytest.mark.parametrize(
    ("asked", "kept"),
    [("read admin", "read admin"), ("read admin dcr", "read admin"), ("read", "read")],
    ids=["said again", "with one that nobody allowed", "given up"],
)
async def test_a_client_keeps_what_it_was_allowed_and_gets_no_more(asked, kept):
    """Changing its name must not cost a client the scope that somebody approved."""
    desk = Desk()
    client, token = await desk.add(
        metadata=some_metadata(scope="read admin"), approved_scope=("admin",)
    )

    answer = await desk.update(client, token, scope=asked, client_name="Another")

    assert isinstance(answer, Accepted)
    assert kept == answer.client.metadata["scope"]
