"""What a page remembers comes back to where it was made, or not at all."""

from dataclasses import replace
from datetime import timedelta

import pytest

from registrary.authserver.people.tickets import (
    TICKET_LIFETIME,
    Binding,
    Ticket,
    open_ticket,
    seal_ticket,
)
from registrary.testing.clock import MOMENT
from tests.unit.authserver.people.kit import House

BINDING = Binding("0123456789", "login", "a-browser", "authorize:digest")
TICKET = Ticket(started_at=MOMENT, made_at=MOMENT, person="anna", challenge=b"\x00")


def test_a_ticket_comes_back_as_it_was():
    """The server remembers nothing of a stranger: the page has to."""
    house = House()

    sealed = seal_ticket(house.services, BINDING, TICKET)

    assert TICKET == open_ticket(house.services, BINDING, sealed)


@pytest.mark.parametrize(
    "other",
    [{"browser": "another"}, {"request": "other"}, {"step": "further"}, {"issuer": "9876543210"}],
    ids=["browser", "request", "step", "issuer"],
)
@pytest.mark.spec("P-028")
def test_a_ticket_opens_nowhere_else(other):
    """A page that an attacker got for themselves must not count as the victim's answer."""
    house = House()
    sealed = seal_ticket(house.services, BINDING, TICKET)

    opened = open_ticket(house.services, replace(BINDING, **other), sealed)

    assert opened is None


@pytest.mark.parametrize("text", [None, "", "AAAA", "a" * 5000, "ä", "="], ids=repr)
def test_what_is_no_ticket_opens_nothing(text):
    """Whatever strangers send in the field gets an answer, not a traceback."""
    assert open_ticket(House().services, BINDING, text) is None


def test_a_changed_ticket_opens_nothing():
    """Who could write a ticket could say that they proved a password."""
    house = House()
    sealed = seal_ticket(house.services, BINDING, TICKET)

    opened = open_ticket(
        house.services, BINDING, sealed[:-2] + ("AA" if sealed[-2:] != "AA" else "BA")
    )

    assert opened is None


def test_a_ticket_ends_after_an_hour():
    """A page left open over night is no longer an answer of who is in front of it."""
    house = House()
    sealed = seal_ticket(house.services, BINDING, TICKET)

    house.clock.advance(TICKET_LIFETIME)
    in_time = open_ticket(house.services, BINDING, sealed)
    house.clock.advance(timedelta(seconds=1))
    late = open_ticket(house.services, BINDING, sealed)

    assert (TICKET, None) == (in_time, late)
