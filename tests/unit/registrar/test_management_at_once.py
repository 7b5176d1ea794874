"""Clients manage themselves while others write: no promise is broken, nothing is half done."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from registrary.core.changes import Changes, Put
from registrary.core.client import Client, Door, hold, revoke
from registrary.core.issuer import RegistrationPolicy
from registrary.core.lifecycle import ClientState, HoldKind
from registrary.policy.credentials import Issue, issue_client_secret, succeed
from registrary.policy.decision import Accepted, Refused
from registrary.policy.updating import Rotation
from registrary.ports.store import Conflict, StoreUnavailable
from registrary.registrar.management import TOKEN_REFUSED, Manager
from registrary.registrar.services import ATTEMPTS
from registrary.testing.factories import a_hold, some_metadata
from tests.unit.registrar.desk import PEER, Desk, RacedStore, visit

pytestmark = pytest.mark.anyio

NAME = "client_name"


def others_write(desk: Desk, *records: Client) -> None:
    """Let somebody else store these revisions first, one before each commit of ours."""
    desk.store.meanwhile = [Changes(puts=(Put(one, expected=one.revision - 1),)) for one in records]


# --- Two at once --------------------------------------------------------------------------------


@pytest.mark.spec("B-052")
async def test_two_updates_at_once_both_happen_one_after_the_other():
    """Each is a full replacement: the client is as the last one said, never a mixture."""
    desk = Desk()
    client, token = await desk.add()
    wishes: list[dict[str, Any]] = [
        {NAME: name, "redirect_uris": [f"https://{name}.example/cb"]} for name in ("one", "two")
    ]

    answers = await asyncio.gather(*(desk.update(client, token, **wish) for wish in wishes))

    stored = await desk.stored(client)
    assert [True, True] == [isinstance(one, Accepted) for one in answers]
    assert client.revision + 2 == stored.revision
    assert {NAME: stored.metadata[NAME], "redirect_uris": stored.metadata["redirect_uris"]} in (
        wishes
    )
    told = await desk.events("client:updated")
    assert ["Example", stored.metadata[NAME]] == [
        told[0]["changes"][NAME]["before"],
        told[1]["changes"][NAME]["after"],
    ]
    assert told[0]["changes"][NAME]["after"] == told[1]["changes"][NAME]["before"]


@pytest.mark.spec("B-052")
async def test_many_updates_at_once_end_as_done_or_as_a_conflict():
    """Whoever is told that it is done finds it in the log; whoever is not changed nothing."""
    desk = Desk()
    client, token = await desk.add()

    answers = await asyncio.gather(
        *(desk.update(client, token, client_name=f"name {number}") for number in range(30)),
        return_exceptions=True,
    )

    done = [one for one in answers if isinstance(one, Accepted)]
    lost = [one for one in answers if isinstance(one, Conflict)]
    told = await desk.events("client:updated")
    assert 30 == len(done) + len(lost)
    assert len(done) >= ATTEMPTS
    assert {one.client.metadata[NAME] for one in done} == {
        event["changes"][NAME]["after"] for event in told
    }
    assert client.revision + len(done) == (await desk.stored(client)).revision


async def test_an_update_and_a_deletion_at_once_leave_a_deleted_client():
    """In whichever order: a client that deleted itself does not come back by its own echo."""
    desk = Desk()
    client, token = await desk.add()

    await asyncio.gather(
        desk.update(client, token, client_name="new"),
        desk.manager.delete(desk.context, visit(client, token)),
    )

    stored = await desk.stored(client)
    assert (ClientState.REVOKED, (), ()) == (
        stored.state,
        stored.secrets,
        stored.registration_access_tokens,
    )
    assert 1 == len(await desk.events("client:deleted"))


async def test_of_deletions_at_once_one_is_told_it_was_done():
    """The others find nothing there (RFC 7592 §2.3), and the log says it once."""
    desk = Desk()
    client, token = await desk.add()

    answers = await asyncio.gather(
        *(desk.manager.delete(desk.context, visit(client, token)) for _ in range(5))
    )

    assert sorted([None] + [TOKEN_REFUSED] * 4, key=str) == sorted(answers, key=str)
    assert 1 == len(await desk.events("client:deleted"))


# --- Somebody else in between --------------------------------------------------------------------


async def test_an_update_that_loses_to_a_deletion_changes_nothing():
    """Decided before and written after, it would raise the dead."""
    desk = Desk()
    client, token = await desk.add()
    gone = revoke(client, now=desk.clock.now())
    others_write(desk, gone)

    answer = await desk.update(client, token, client_name="new")

    assert TOKEN_REFUSED == answer
    assert gone == await desk.stored(client)
    assert [] == await desk.events("client:updated")


async def test_a_deletion_that_loses_to_an_update_still_deletes():
    """The client wants to be gone, whatever it is called by now."""
    desk = Desk()
    client, token = await desk.add()
    renamed = msgspec.structs.replace(
        client, metadata=some_metadata(client_name="new"), revision=client.revision + 1
    )
    others_write(desk, renamed)

    answer = await desk.manager.delete(desk.context, visit(client, token))

    stored = await desk.stored(client)
    assert None is answer
    assert (ClientState.REVOKED, "new") == (stored.state, stored.metadata[NAME])


@pytest.mark.parametrize(
    ("kind", "members", "expected"),
    [
        (HoldKind.INCIDENT, {NAME: "new"}, "access_denied"),
        (HoldKind.DORMANT, {"redirect_uris": ["https://evil.example/cb"]}, "access_denied"),
        (HoldKind.DORMANT, {NAME: "new"}, "done"),
    ],
    ids=["hard", "soft-risky", "soft-descriptive"],
)
async def test_a_hold_placed_meanwhile_binds_the_update(kind, members, expected):
    """An incident team that acts in the right second must not be a second late."""
    desk = Desk()
    client, token = await desk.add()
    await desk.update(client, token)  # fills in what every client has by default
    client = await desk.stored(client)
    held = hold(client, a_hold(kind=kind))
    others_write(desk, held)

    answer = await desk.update(client, token, **members)

    stored = await desk.stored(client)
    assert expected == ("done" if isinstance(answer, Accepted) else answer.code)
    assert held.holds == stored.holds
    assert (expected == "done") == (stored.metadata != client.metadata)


async def test_a_hold_placed_meanwhile_keeps_the_client():
    """Evidence does not delete itself."""
    desk = Desk()
    client, token = await desk.add()
    others_write(desk, hold(client, a_hold(kind=HoldKind.INCIDENT)))

    answer = await desk.manager.delete(desk.context, visit(client, token))

    assert isinstance(answer, Refused)
    assert ("access_denied", ClientState.SUSPENDED) == (
        answer.code,
        (await desk.stored(client)).state,
    )
    [event] = await desk.events("client:delete_refused")
    assert (client.client_id, "access_denied") == (event["client_id"], event["reason"])


async def test_a_secret_rotated_by_an_operator_meanwhile_is_kept():
    """The update replaces what the client said of itself, not what others gave it."""
    desk = Desk()
    client, token = await desk.add()
    issue = Issue(client.issuer, client.client_id, desk.clock.now())
    _, fresh = issue_client_secret(
        issue, desk.services.credential_keys(), desk.entropy.draw(400), is_recoverable=False
    )
    both = succeed(client.secrets, fresh, overlap=timedelta(days=7))
    others_write(desk, msgspec.structs.replace(client, secrets=both, revision=client.revision + 1))

    answer = await desk.update(client, token, client_name="new")

    assert isinstance(answer, Accepted)
    stored = await desk.stored(client)
    assert (both, "new") == (stored.secrets, stored.metadata[NAME])


async def test_who_keeps_losing_is_told_so_and_nothing_happened():
    """Five others in a row are no accident; the client decides whether to go on."""
    desk = Desk()
    client, token = await desk.add()
    revisions = [
        msgspec.structs.replace(client, revision=client.revision + number + 1)
        for number in range(ATTEMPTS)
    ]
    others_write(desk, *revisions)

    with pytest.raises(Conflict):
        await desk.update(client, token, client_name="new")

    assert revisions[-1] == await desk.stored(client)
    assert [] == await desk.events("client:updated")


# --- An outage in between ------------------------------------------------------------------------


class FullDisk(RacedStore):
    """A store that reads, and writes only while it has space."""

    has_space = True

    async def commit(self, changes):
        """Write, or refuse."""
        if not self.has_space:
            raise StoreUnavailable("the disk is full")
        await super().commit(changes)


@pytest.mark.parametrize("act", ["update", "rotate", "delete"])
async def test_an_outage_leaves_the_client_as_it_was(act):
    """Told to come again, it comes with the credentials it has."""
    desk = Desk()
    desk.store = disk = FullDisk()
    desk.manager = Manager(replace(desk.services, store=disk))
    client, token = await desk.add()
    here = visit(client, token)
    rotation = Rotation.REGISTRATION_ACCESS_TOKEN if act == "rotate" else None
    disk.has_space = False

    trying = (
        desk.manager.delete(desk.context, here)
        if act == "delete"
        else desk.update(client, token, client_name="new", rotation=rotation)
    )
    with pytest.raises(StoreUnavailable):
        await trying

    assert client == await desk.stored(client)
    assert client == await desk.manager.read(desk.context, here)


# --- Tokens in the wrong place --------------------------------------------------------------------


@pytest.mark.spec("B-022")
@pytest.mark.parametrize("writes", [0, 1, ATTEMPTS - 1])
async def test_a_token_at_another_clients_address_ends_whoever_writes_meanwhile(writes):
    """Only the token's own client loses it; the address it was tried at is untouched."""
    desk = Desk()
    owner, token = await desk.add()
    other, others_token = await desk.add()
    others_write(
        desk,
        *(
            msgspec.structs.replace(owner, revision=owner.revision + number + 1)
            for number in range(writes)
        ),
    )

    answer = await desk.manager.read(desk.context, visit(other, token))

    assert TOKEN_REFUSED == answer
    assert () == (await desk.stored(owner)).registration_access_tokens
    assert other == await desk.manager.read(desk.context, visit(other, others_token))
    [event] = await desk.events("client:registration_access_token_revoked")
    assert (owner.client_id, PEER) == (event["client_id"], event["actor"]["address"])


async def test_where_others_keep_writing_it_is_at_least_counted():
    """The next such use ends it; until then an operator sees that something goes on."""
    desk = Desk()
    owner, token = await desk.add()
    other, _ = await desk.add()
    others_write(
        desk,
        *(
            msgspec.structs.replace(owner, revision=owner.revision + number + 1)
            for number in range(ATTEMPTS)
        ),
    )

    answer = await desk.manager.read(desk.context, visit(other, token))

    assert TOKEN_REFUSED == answer
    assert {(PEER, "invalid_token"): 1} == dict(desk.counted())


async def test_a_token_that_was_revoked_meanwhile_is_revoked_once():
    """Two such uses at once are one incident."""
    desk = Desk()
    _, token = await desk.add()
    other, _ = await desk.add()

    answers = await asyncio.gather(
        *(desk.manager.read(desk.context, visit(other, token)) for _ in range(4))
    )

    assert [TOKEN_REFUSED] * 4 == answers
    assert 1 == len(await desk.events("client:registration_access_token_revoked"))


@pytest.mark.parametrize(
    "kind", ["unknown", "malformed", "of-another-issuer", "another-kind", "of-a-revoked-client"]
)
async def test_every_bad_token_gets_the_same_answer_and_is_counted(kind):
    """Nobody learns from the answer whether a client is there, was there, or never was."""
    desk = Desk()
    client, token = await desk.add()
    if kind == "unknown":
        _, token = await Desk().add()
    elif kind == "malformed":
        token = token[:-1]
    elif kind == "of-another-issuer":
        desk.context = desk.of(id="9876543210", url="https://other.example")
    elif kind == "another-kind":
        token = token.replace("rgy_rat_", "rgy_iat_")
    else:
        await desk.change(client, state=ClientState.REJECTED)

    answer = await desk.manager.read(desk.context, visit(client, token))

    assert TOKEN_REFUSED == answer
    assert {(PEER, "invalid_token"): 1} == dict(desk.counted())
    assert [] == await desk.events()


# --- Ceilings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"redirect_uris": ["https://evil.example/cb"]}, "invalid_redirect_uri"),
        ({"token_endpoint_auth_method": "none"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"scope": "openid admin write"}, "done"),
    ],
    ids=["host", "method", "grant", "scope-narrowed"],
)
async def test_an_update_does_not_escape_what_bound_the_registration(members, expected):
    """The door's ceiling is over the client for life, whatever a later document says."""
    policy = RegistrationPolicy(
        name="bound",
        redirect_hosts=("client.example",),
        token_endpoint_auth_methods=("client_secret_basic",),
        grant_types=("authorization_code",),
        scopes=("openid", "profile"),
    )
    desk = Desk(policies=(policy,))
    metadata = some_metadata(grant_types=["authorization_code"], scope="openid")
    client, token = await desk.add(
        metadata=metadata, door=Door(mode="protected", policies=("bound",))
    )

    answer = await desk.update(client, token, **members)

    stored = await desk.stored(client)
    assert expected == ("done" if isinstance(answer, Accepted) else answer.code)
    assert "openid" == stored.metadata["scope"]
    assert metadata["redirect_uris"] == stored.metadata["redirect_uris"]


async def test_a_policy_that_is_gone_lets_nothing_through():
    """Removing a policy must not free those it bound."""
    desk = Desk()
    client, token = await desk.add(door=Door(mode="protected", policies=("gone",)))

    answer = await desk.update(client, token, client_name="new")

    assert isinstance(answer, Refused)
    assert ("access_denied", client) == (answer.code, await desk.stored(client))


async def test_a_refused_update_is_written_down_without_what_was_sent():
    """The log says who tried and which rule held, and repeats nothing."""
    desk = Desk()
    client, token = await desk.add()

    await desk.update(client, token, redirect_uris=["https://canary.example/#x"])

    [event] = await desk.events("client:update_refused")
    assert ("invalid_redirect_uri", client.client_id, PEER) == (
        event["reason"],
        event["client_id"],
        event["actor"]["address"],
    )
    assert "canary" not in json.dumps(event)
