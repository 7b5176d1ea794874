"""Operators hand out initial access tokens from the command line, and take them back."""

from datetime import datetime, timedelta

import pytest

from tests.unit.cli.kit import Office


def create(office: Office, *options: str) -> dict[str, object]:
    """Make a token and return what is shown of it."""
    shown: dict[str, object] = office.run(
        "initial-access-token", "create", *options, "--json"
    ).shown
    return shown


def test_a_token_is_made_as_it_was_asked_for(office):
    """Twenty registrations within an hour are twenty, within an hour."""
    shown = create(office, "--uses", "20", "--expires", "1h", "--header-only")

    lifetime = datetime.fromisoformat(str(shown["expires_at"])) - datetime.fromisoformat(
        str(shown["created_at"])
    )
    assert (20, True, timedelta(hours=1)) == (shown["uses"], shown["header_only"], lifetime)
    assert str(shown["token"]).startswith("rgy_iat_")


def test_a_token_for_people_is_a_member_a_line(office):
    """It is copied from the screen."""
    done = office.run("initial-access-token", "create")

    (line,) = [line for line in done.out.splitlines() if line.startswith("token ")]
    assert 0 == done.code
    assert line.split()[1].startswith("rgy_iat_")


def test_tokens_are_listed_without_their_text(office):
    """A list is pasted into tickets."""
    made = [create(office, "--uses", str(uses)) for uses in (1, 2)]

    plain = office.run("initial-access-token", "list")
    shown = office.run("initial-access-token", "list", "--json").shown

    assert [one["id"] for one in made] == [one["id"] for one in shown]
    assert "0/2" in plain.out
    assert "rgy_iat_" not in plain.out + str(shown)


def test_a_revoked_token_has_ended(office):
    """Revoking twice is no failure: what was wanted is so."""
    made = create(office)

    done = [office.run("initial-access-token", "revoke", str(made["id"])) for _ in range(2)]

    (shown,) = office.run("initial-access-token", "list", "--json").shown
    assert [0, 0] == [one.code for one in done]
    assert shown["revoked_at"] is not None


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--expires", "tomorrow"), 2),
        (("--expires", "0s"), 2),
        (("--expires", ""), 2),
        (("--policy", ""), 2),
        (("--uses", "many"), 2),
        (("--uses", "0"), 2),
        (("--policy", "unknown"), 2),
    ],
    ids=str,
)
def test_a_token_that_cannot_be_made_is_not_made(office, options, code):
    """A misspelt limit must not be a token without one."""
    done = office.run("initial-access-token", "create", *options)

    assert code == done.code
    assert [] == office.run("initial-access-token", "list", "--json").shown


def test_a_token_that_is_not_there_cannot_be_revoked(office):
    """Whoever mistyped an id must not believe that the token has ended."""
    done = office.run("initial-access-token", "revoke", "x")

    assert (1, "registrary: there is no such initial access token\n") == (done.code, done.err)
