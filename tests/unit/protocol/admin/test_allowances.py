"""What a client could not ask for itself, somebody with the right to it allows."""

import msgspec
import pytest

from registrary.core.client import Client, Door
from registrary.core.issuer import RegistrationPolicy
from registrary.testing.factories import some_metadata
from tests.unit.protocol.admin.kit import Office, context_of

pytestmark = pytest.mark.anyio


async def test_a_restricted_scope_is_allowed_and_taken_away(office):
    """Nobody registers for it; taking it away must end the tokens that have it."""
    client = await office.add_client(metadata=some_metadata(scope="read"))
    path = f"PATCH /clients/{client.client_id}"

    given = await office.call(path, {"approved_scope": "dcr admin"})
    taken = await office.call(path, {"approved_scope": "dcr"})
    stored = await office.store.get(Client, office.context.id, client.client_id)

    assert "read dcr admin" == given.body["metadata"]["scope"]
    assert "administrator" == given.body["provenance"]["scope"]
    assert ("read dcr", "dcr") == (taken.body["metadata"]["scope"], taken.body["approved_scope"])
    assert 1 == stored.token_generation


async def test_tokens_of_one_client_are_made_shorter_and_usual_again(office):
    """Who is not trusted yet gets tokens that are soon over."""
    client = await office.add_client()
    path = f"PATCH /clients/{client.client_id}"

    shorter = await office.call(path, {"access_token_lifetime": "1m"})
    untouched = await office.call(path, {"approved_scope": ""})
    usual = await office.call(path, {"access_token_lifetime": None})

    assert ["1m", "1m", None] == [
        answer.body["access_token_lifetime"] for answer in (shorter, untouched, usual)
    ]


async def test_what_was_allowed_is_in_the_log(office):
    """An allowance without a name to it is what auditors look for first."""
    client = await office.add_client(metadata=some_metadata(scope="read"))

    await office.call(f"PATCH /clients/{client.client_id}", {"approved_scope": "admin"})
    event = (await office.events())[-1]

    assert ("client:allowed", client.client_id) == (event["tag"], event["client_id"])
    assert {"before": [], "after": ["admin"], "source": "administrator"} == event["changes"][
        "approved_scope"
    ]


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"approved_scope": "read"}, "approved_scope"),
        ({"approved_scope": "no-such"}, "approved_scope"),
        ({"access_token_lifetime": "0s"}, "access_token_lifetime"),
        ({"access_token_lifetime": "2d"}, "access_token_lifetime"),
        ({"access_token_lifetime": "soon"}, "access_token_lifetime"),
        ({"state": "active"}, "state"),
    ],
)
async def test_what_cannot_be_allowed_is_refused(office, wish, says):
    """A misspelt scope must not be taken for an approval of nothing."""
    client = await office.add_client()

    answer = await office.call(f"PATCH /clients/{client.client_id}", wish)

    assert (400, True) == (answer.status, says in answer.body["detail"])


@pytest.mark.parametrize(
    ("policies", "says"),
    [
        ((RegistrationPolicy(name="narrow", scopes=("read",)),), "policies"),
        ((), "no longer exists"),
    ],
    ids=["a ceiling below it", "a policy that is gone"],
)
async def test_an_approval_reaches_no_further_than_the_policies_over_the_client(policies, says):
    """What bound a registration binds whoever writes to the client, for all its life."""
    office = Office()
    bound = msgspec.structs.replace(office.context.issuer, policies=policies)
    office.context = context_of(bound)
    await office.open()
    door = Door(mode="protected", policies=("narrow",))
    client = await office.add_client(door=door, metadata=some_metadata(scope="read"))

    answer = await office.call(f"PATCH /clients/{client.client_id}", {"approved_scope": "admin"})
    stored = await office.store.get(Client, office.context.id, client.client_id)

    assert (400, True) == (answer.status, says in answer.body["detail"])
    assert client == stored


async def test_who_manages_clients_approves_nothing_by_that(office):
    """The right to hold a client is not the right to give it everything."""
    client = await office.add_client()
    manager = await office.a_token("clients:read", "clients:write")

    answer = await office.call(
        f"PATCH /clients/{client.client_id}", {"approved_scope": "admin"}, token=manager
    )

    assert 403 == answer.status


async def test_an_allowance_is_set_at_the_revision_that_was_seen(office):
    """Two administrators at once would otherwise undo each other without a word."""
    client = await office.add_client()
    path = f"PATCH /clients/{client.client_id}"
    await office.call(path, {"approved_scope": "admin"}, headers={"if-match": '"1"'})

    second = await office.call(path, {"approved_scope": "dcr"}, headers={"if-match": '"1"'})

    assert 412 == second.status


async def test_a_client_that_has_ended_is_allowed_nothing(office):
    """A tombstone must not come to life with more than it had."""
    client = await office.add_client()
    await office.call(f"DELETE /clients/{client.client_id}")

    answer = await office.call(f"PATCH /clients/{client.client_id}", {"approved_scope": "admin"})

    assert 400 == answer.status
