"""Whoever has the store makes and ends admin tokens."""

from datetime import timedelta

import pytest

from registrary.core.records import AdminToken
from registrary.wiring.adapters import Vault
from tests.unit.cli.kit import Office


def stored(office: Office) -> tuple[AdminToken, ...]:
    """Return the admin tokens in the store."""

    async def act(vault: Vault) -> tuple[AdminToken, ...]:
        return (await vault.store.page(AdminToken, office.issuer_id)).records

    return office.do(act)


def test_a_token_is_made_with_the_permissions_it_was_given(office):
    """The first token of a server needs no other token."""
    made = office.run(
        "admin-token",
        "create",
        "nightly report",
        "--permission",
        "clients:read",
        "--permission",
        "audit:read",
        "--expires",
        "30d",
        "--json",
    ).shown

    (record,) = stored(office)
    assert made["token"].startswith("rgy_adm_")
    assert ("nightly report", ("clients:read", "audit:read")) == (record.name, record.permissions)
    assert record.created_at + timedelta(days=30) == record.expires_at


def test_a_list_shows_tokens_without_their_text(office):
    """A list is pasted into tickets."""
    made = office.run("admin-token", "create", "x", "--permission", "*", "--json").shown

    plain, machine = (office.run("admin-token", "list", *options) for options in ((), ("--json",)))

    assert made["id"] in plain.out
    assert [(made["id"], ["*"])] == [(one["id"], one["permissions"]) for one in machine.shown]
    assert "rgy_adm_" not in plain.out + machine.out


def test_a_revoked_token_has_ended(office):
    """Revoking twice is no failure: what was wanted is so."""
    made = office.run("admin-token", "create", "x", "--permission", "*", "--json").shown

    done = [office.run("admin-token", "revoke", made["id"]) for _ in range(2)]

    assert [(0, f"revoked {made['id']}\n")] * 2 == [(one.code, one.out) for one in done]
    assert stored(office)[0].revoked_at is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "x"),
        ("create", "x", "--permission", "clients:delete"),
        ("create", "", "--permission", "*"),
        ("create", "x", "--permission", "*", "--expires", "soon"),
        ("create", "x", "--permission", "*", "--expires", "0s"),
        ("create", "x", "--permission", "*", "--expires", ""),
    ],
    ids=" ".join,
)
def test_a_token_that_cannot_be_made_is_wrong_usage(office, arguments):
    """A misspelt permission must not be a token that opens nothing, found out later."""
    done = office.run("admin-token", *arguments)

    assert 2 == done.code
    assert () == stored(office)


def test_a_token_that_is_not_there_cannot_be_revoked(office):
    """Whoever mistyped an id must not believe that the token has ended."""
    done = office.run("admin-token", "revoke", "x")

    assert (1, "registrary: there is no such admin token\n") == (done.code, done.err)
