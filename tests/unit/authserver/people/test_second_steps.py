"""Codes of an app are short, so guesses of them are few."""

from datetime import timedelta

import pytest

from registrary.authserver.people.second_steps import SecondSteps
from registrary.authserver.people.tickets import Ticket
from tests.unit.authserver.people.kit import House

pytestmark = pytest.mark.anyio

HALF_A_MINUTE = timedelta(seconds=30)


async def test_who_knows_the_password_guesses_a_hundred_codes_a_day_at_most():
    """At five a minute, day and night, one of three good ones in a million is hit in weeks."""
    house = House()
    now = house.clock.now()
    ticket = Ticket(started_at=now, made_at=now, person="anna")
    steps, taken = SecondSteps(house.services), 0

    for _ in range(2 * 60 * 24):
        taken += steps.wait_for_code(house.context, ticket) is None
        house.clock.advance(HALF_A_MINUTE)

    assert 5 < taken <= 100


async def test_guesses_about_one_person_keep_nobody_else_waiting():
    """Else anybody with one password could lock everybody out."""
    house = House()
    now = house.clock.now()
    steps = SecondSteps(house.services)
    tickets = [Ticket(started_at=now, made_at=now, person=name) for name in ("anna", "bert")]

    for _ in range(200):
        steps.wait_for_code(house.context, tickets[0])
    waits = [steps.wait_for_code(house.context, ticket) for ticket in tickets]

    assert waits[0] is not None
    assert waits[1] is None
