"""Addresses for operators, and who may read what was counted."""

from datetime import timedelta

import pytest

from registrary.protocol.http import HttpRequest
from registrary.protocol.operation import OperationEndpoints

pytestmark = pytest.mark.anyio


class Gate:
    """Knows the token ``good``; lets others wait once there were *allowed* of them."""

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self.turned_away: list[str] = []

    async def is_admin(self, token: str) -> bool:
        return token == "good"

    def turn_away(self, peer: str) -> timedelta | None:
        self.turned_away.append(peer)
        return timedelta(seconds=2.5) if len(self.turned_away) > self._allowed else None


def metrics(gate: Gate):
    """Return the endpoint behind *gate*."""
    operation = OperationEndpoints(
        probes={}, metrics=lambda: b"counters", is_admin=gate.is_admin, turn_away=gate.turn_away
    )
    return operation.count


def asking(*values: str) -> HttpRequest:
    """Return a request with an Authorization header for each of *values*."""
    headers = tuple((b"authorization", value.encode()) for value in values)
    return HttpRequest("GET", "/metrics", "", headers, peer="192.0.2.7")


async def test_counters_are_shown_to_administrators():
    """Monitoring reads them every few seconds, and costs nobody a turn."""
    gate = Gate(allowed=0)

    answer = await metrics(gate)(asking("Bearer good"))

    assert (200, b"counters", []) == (answer.status, answer.body, gate.turned_away)


async def test_a_bad_token_is_counted_by_its_address():
    """Somebody who guesses admin tokens here must show in the log as they do at the API."""
    gate = Gate(allowed=2)

    answers = [await metrics(gate)(asking("Bearer guessed")) for _ in range(3)]

    assert [401, 401, 429] == [answer.status for answer in answers]
    assert ["192.0.2.7"] * 3 == gate.turned_away
    assert (b"retry-after", b"3") in answers[-1].headers


@pytest.mark.parametrize("values", [(), ("Basic Z29vZA==",)], ids=["none", "other scheme"])
async def test_without_a_token_there_is_only_the_question_for_one(values):
    """Nothing was guessed, so nobody is slowed down."""
    gate = Gate(allowed=0)

    answer = await metrics(gate)(asking(*values))

    assert (401, []) == (answer.status, gate.turned_away)
