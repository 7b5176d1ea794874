"""Operators look at clients, hold, resume and end them, from the command line."""

from datetime import timedelta

import pytest

from registrary.core.client import Client
from registrary.core.lifecycle import ClientState
from registrary.core.secrets import Prefix, Secret
from registrary.policy.credentials import find_credential
from registrary.testing.factories import some_metadata
from registrary.wiring.adapters import Vault
from tests.unit.cli.kit import Office


def stored(office: Office, client_id: str) -> Client:
    """Return a client as it is in the store."""

    async def act(vault: Vault) -> Client:
        found = await vault.store.get(Client, office.issuer_id, client_id)
        assert found is not None
        return found

    return office.do(act)


def is_good(office: Office, client_id: str, secret: str, *, after: timedelta) -> bool:
    """Tell whether *secret* is good some time after it was last replaced."""

    async def act(vault: Vault) -> bool:
        client = await vault.store.get(Client, office.issuer_id, client_id)
        assert client is not None
        found = find_credential(
            Secret(secret),
            client.secrets,
            peppers=vault.keys.peppers(),
            purpose=Prefix.CLIENT_SECRET,
            now=client.updated_at + after,
        )
        return found is not None

    return office.do(act)


def test_clients_are_listed_newest_first(office):
    """What was just registered is what one looks for."""
    made = [office.add_client().client_id for _ in range(3)]

    plain = office.run("client", "list")
    shown = office.run("client", "list", "--json", "--limit", "2").shown

    assert [made[2], made[1]] == [client["client_id"] for client in shown]
    assert made[::-1] == [line.split()[0] for line in plain.out.splitlines()[1:]]
    assert ["client_id", "state", "name", "registered", "door"] == plain.out.split()[:5]


def test_a_client_is_shown_without_its_credentials(office):
    """A terminal has many readers."""
    client = office.add_client(metadata=some_metadata(client_name="Payroll"))

    plain = office.run("client", "show", client.client_id)
    shown = office.run("client", "show", client.client_id, "--json").shown

    assert ("active", "Payroll") == (shown["state"], shown["metadata"]["client_name"])
    assert ["client_id", client.client_id] == plain.out.splitlines()[0].split()
    assert "mac" not in plain.out + str(shown)


def test_a_suspended_client_is_resumed(office):
    """A false alarm costs a minute, not a registration."""
    client = office.add_client()

    held = office.run("client", "suspend", client.client_id, "--reason", "odd hours", "--json")
    resumed = office.run("client", "resume", client.client_id, "--json")

    assert ("suspended", [("admin", "odd hours")]) == (
        held.shown["state"],
        [(hold["kind"], hold["reason"]) for hold in held.shown["holds"]],
    )
    assert ("active", []) == (resumed.shown["state"], resumed.shown["holds"])


def test_resuming_lifts_every_hold(office):
    """An operator who lets a client go means all of it."""
    client = office.add_client()
    for kind in ("dormant", "incident"):
        office.run("client", "suspend", client.client_id, "--reason", "x", "--kind", kind)

    office.run("client", "resume", client.client_id)

    assert ClientState.ACTIVE is stored(office, client.client_id).state


def test_a_revoked_client_has_ended(office):
    """Nothing brings it back by accident."""
    client = office.add_client()

    done = office.run("client", "revoke", client.client_id, "--reason", "contract ended", "--json")
    again = office.run("client", "suspend", client.client_id, "--reason", "x")

    assert (0, "revoked") == (done.code, done.shown["state"])
    assert (1, True) == (again.code, "revoked cannot be held" in again.err)


def what_is_kept(office: Office, client_id: str) -> tuple[Client, int]:
    """Return a client as it is in the store, and how many events its issuer has."""

    async def act(vault: Vault) -> int:
        return len(await vault.store.recent_events(office.issuer_id, limit=100))

    return stored(office, client_id), office.do(act)


def test_a_client_that_ended_is_not_resumed(office):
    """An operator must not leave believing that the client works again."""
    client = office.add_client()
    office.run("client", "revoke", client.client_id, "--reason", "contract ended")
    before = what_is_kept(office, client.client_id)

    done = office.run("client", "resume", client.client_id)

    assert (1, True) == (done.code, "revoked cannot have holds lifted" in done.err)
    assert before == what_is_kept(office, client.client_id)


def test_resuming_a_client_that_nothing_holds_leaves_no_trace(office):
    """The log tells what happened, and nothing did."""
    client = office.add_client()
    before = what_is_kept(office, client.client_id)

    done = office.run("client", "resume", client.client_id, "--json")

    assert (0, "active") == (done.code, done.shown["state"])
    assert before == what_is_kept(office, client.client_id)


@pytest.mark.parametrize("command", ["suspend", "revoke"])
def test_a_reason_is_asked_for(office, command):
    """Nobody remembers in spring why it was done in autumn."""
    client = office.add_client()

    done = office.run("client", command, client.client_id)

    assert (2, True) == (done.code, "--reason" in done.err)
    assert ClientState.ACTIVE is stored(office, client.client_id).state


@pytest.mark.parametrize(
    ("options", "minutes", "good"),
    [
        ((), 60, True),
        (("--overlap", "15m"), 14, True),
        (("--overlap", "15m"), 15, False),
        (("--overlap", "0s"), 0, False),
    ],
    ids=str,
)
def test_the_old_secret_is_good_for_the_overlap(office, options, minutes, good):
    """A careful change and a leak want different things."""
    client = office.add_client(secrets=())
    old = office.run("client", "rotate-secret", client.client_id, "--json").shown

    new = office.run("client", "rotate-secret", client.client_id, *options, "--json").shown

    after = timedelta(minutes=minutes)
    assert [good, True] == [
        is_good(office, client.client_id, one["client_secret"], after=after) for one in (old, new)
    ]


def test_an_overlap_that_is_not_understood_is_wrong_usage(office):
    """A leak must not live on because of a typing error."""
    client = office.add_client()

    done = office.run("client", "rotate-secret", client.client_id, "--overlap", "none")

    assert (2, True) == (done.code, "--overlap" in done.err)
    assert client.secrets == stored(office, client.client_id).secrets


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "x"),
        ("suspend", "x", "--reason", "y"),
        ("resume", "x"),
        ("revoke", "x", "--reason", "y"),
        ("rotate-secret", "x"),
    ],
    ids=" ".join,
)
def test_a_client_that_is_not_there_is_told_in_one_line(office, arguments):
    """Ids are mistyped, and a traceback helps nobody."""
    done = office.run("client", *arguments)

    assert (1, "", "registrary: there is no such client\n") == (done.code, done.out, done.err)


@pytest.mark.parametrize("command", ["suspend", "revoke"])
@pytest.mark.parametrize("reason", ["", "\x1b[2J", "\u202e", "x" * 1001])
def test_a_reason_that_nobody_can_read_changes_nothing(office, command, reason):
    """Terminals obey control characters, and the log keeps them for years."""
    client = office.add_client()

    done = office.run("client", command, client.client_id, "--reason", reason)

    assert (1, True) == (done.code, "reason: " in done.err)
    assert "active" == office.run("client", "show", client.client_id, "--json").shown["state"]
