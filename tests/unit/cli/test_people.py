"""Whoever has the store makes people known and locks them out."""

import asyncio

import pytest

from registrary.authserver.people.passwords import fits
from registrary.core.people import Person
from registrary.core.secrets import Secret
from registrary.wiring.adapters import Vault
from tests.unit.cli.kit import Office

PASSWORD = "correct horse"


def stored(office: Office) -> Person:
    """Return the one person in the store."""

    async def act(vault: Vault) -> Person:
        (person,) = (await vault.store.page(Person, office.issuer_id)).records
        return person

    return office.do(act)


def has_password(office: Office, password: str) -> bool:
    """Tell whether *password* is that of the one person."""
    kept = stored(office).password

    return asyncio.run(fits(Secret(password), kept))


def test_a_person_is_made_with_the_password_on_standard_input(office):
    """An argument would be seen by every process, and kept by the shell."""
    made = office.run(
        "person",
        "create",
        "anna",
        "--name",
        "Anna A.",
        "--email",
        "anna@example.com",
        "--json",
        typed=f"{PASSWORD}\n",
    )

    person = stored(office)
    assert ("anna", {"name": "Anna A.", "email": "anna@example.com"}) == (
        person.username,
        person.claims,
    )
    assert has_password(office, PASSWORD)
    assert PASSWORD not in made.out + made.err
    assert person.id == made.shown["id"]


def test_a_short_password_is_refused_before_anything_is_stored(office):
    """The rule is told, the password is not."""
    done = office.run("person", "create", "anna", typed="abc\n")

    assert (2, "registrary: password: must have 8 to 256 characters\n") == (done.code, done.err)


def test_a_person_may_wait_for_a_password(office):
    """Somebody else sets it later."""
    office.run("person", "create", "anna", "--no-password")

    assert stored(office).password is None


@pytest.mark.parametrize("spelt", ["ANNA", None], ids=["username", "id"])
def test_a_person_is_locked_out_and_let_in_by_name_or_id(office, spelt):
    """Whoever calls the help desk says a name."""
    office.run("person", "create", "anna", "--no-password")
    named = spelt or stored(office).id

    locked = office.run("person", "disable", named)
    was = stored(office)
    office.run("person", "enable", named)
    now = stored(office)

    assert 0 == locked.code
    assert (True, False) == (was.disabled_at is not None, now.disabled_at is not None)
    assert 1 == was.generation


def test_a_new_password_takes_the_place_of_the_old(office):
    """And nobody stays signed in by the old one."""
    office.run("person", "create", "anna", typed=f"{PASSWORD}\n")

    done = office.run("person", "set-password", "anna", typed="battery staple\n")

    assert 0 == done.code
    assert has_password(office, "battery staple")
    assert 1 == stored(office).generation


def test_a_list_shows_people_and_no_secrets(office):
    """A list is pasted into tickets."""
    office.run("person", "create", "anna", "--email", "a@example.com", typed=f"{PASSWORD}\n")

    plain, machine = (office.run("person", "list", *options) for options in ((), ("--json",)))

    assert "a@example.com" in plain.out
    assert ["anna"] == [one["username"] for one in machine.shown]
    assert "argon2" not in plain.out + machine.out


def test_who_is_not_there_is_not_found(office):
    """A typing mistake is told as one."""
    done = office.run("person", "disable", "nobody")

    assert (1, "registrary: there is no such person\n") == (done.code, done.err)
