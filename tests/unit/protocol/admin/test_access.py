"""Nobody does what they were not allowed to, at any operation."""

from datetime import timedelta

import pytest

from registrary.protocol.admin.operations import Operation
from registrary.registrar.permissions import EVERYTHING, SENTENCES, Permission
from registrary.storage.memory.limiter import MemoryLimiter
from registrary.testing.backend_contract import OTHER_ISSUER_ID
from registrary.testing.factories import an_issuer
from tests.unit.protocol.admin.kit import Office

pytestmark = pytest.mark.anyio

OPERATIONS = Office().operations()
EACH = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=[f"{one.method} {one.path}" for one in OPERATIONS]
)


def line_of(operation: Operation) -> str:
    """Return a request for *operation*."""
    return f"{operation.method} {operation.path}".replace("{", "").replace("}", "")


@EACH
async def test_no_operation_is_open(office, operation):
    """A forgotten check at one address is the hole of the whole API."""
    answers = [
        await office.call(line_of(operation), token=token)
        for token in (None, "guessed", "rgy_adm_" + "0" * 71)
    ]

    unknown = 'Bearer realm="registrary", error="invalid_token"'
    assert [
        (401, 'Bearer realm="registrary"'),
        (401, unknown),
        (401, unknown),
    ] == [(answer.status, answer.headers["www-authenticate"]) for answer in answers]
    assert {"application/problem+json"} == {answer.headers["content-type"] for answer in answers}


@EACH
async def test_every_operation_demands_its_own_permission(office, operation):
    """Whoever may do everything but this may not do this, and is told what is missing."""
    others = sorted(set(Permission) - {operation.permission})
    token = await office.a_token(*others)

    answer = await office.call(line_of(operation), token=token)

    assert (403, operation.permission) == (answer.status, answer.body["permission"])
    assert operation.permission in answer.body["detail"]
    challenge = 'Bearer realm="registrary", error="insufficient_scope"'
    assert challenge == answer.headers["www-authenticate"]
    assert (403, "Forbidden", "about:blank") == tuple(
        answer.body[name] for name in ("status", "title", "type")
    )


@EACH
async def test_one_permission_is_enough_for_its_operation(office, operation):
    """A token that may one thing must not need a second one for it."""
    token = await office.a_token(operation.permission)

    answer = await office.call(line_of(operation), token=token)

    assert answer.status not in {401, 403}


@pytest.mark.parametrize(
    ("authorization", "status", "challenge"),
    [
        ("Basic eDp5", 401, 'Bearer realm="registrary"'),
        ("Bearer a b", 400, 'Bearer realm="registrary", error="invalid_request"'),
    ],
    ids=["another-scheme", "malformed"],
)
async def test_credentials_that_cannot_be_read_are_told_apart(
    office, authorization, status, challenge
):
    """RFC 6750 §3.1: who used another scheme is asked again, who garbled a token is told so."""
    headers = {"authorization": authorization}

    answer = await office.call("GET /clients", token=None, headers=headers)

    assert (status, challenge) == (answer.status, answer.headers["www-authenticate"])


async def test_a_refusal_is_written_down(office):
    """An auditor asks who tried what they may not."""
    token = await office.a_token("clients:read")
    await office.call("DELETE /clients/x", {"reason": "none"}, token=token)

    refused = [event for event in await office.events() if event["tag"] == "admin:refused"]

    assert [{"permission": "clients:write"}] == [event["detail"] for event in refused]
    assert [("admin_token", "192.0.2.7", "refused")] == [
        (event["actor"]["kind"], event["actor"]["address"], event["outcome"]) for event in refused
    ]


async def test_strangers_are_counted_and_leave_no_event(office):
    """Whoever has no token cannot fill the log."""
    before = await office.events()
    for _ in range(3):
        await office.call("GET /clients", token="guessed")

    counted = [(tally.what, tally.count) for tally in office.refusals.drain()]

    assert before == await office.events()
    assert [("invalid_admin_token", 3)] == counted


async def test_strangers_are_slowed_down_and_administrators_are_not():
    """Guessing has a rate; whoever shares an address with the one who guesses still gets in."""
    office = await Office(limiter=MemoryLimiter()).open()
    rate = office.context.issuer.limits.anonymous_registrations_per_minute

    guesses = [await office.call("GET /clients", token="guessed") for _ in range(rate + 2)]
    own = await office.call("GET /clients")
    registering = office.services.wait_for_stranger(office.context.issuer, "192.0.2.7")

    assert [401] * rate + [429] * 2 == [guess.status for guess in guesses]
    assert "1" == guesses[-1].headers["retry-after"]
    assert "application/problem+json" == guesses[-1].headers["content-type"]
    assert (200, None) == (own.status, registering)
    assert [rate + 2] == [tally.count for tally in office.refusals.drain()]


async def test_a_token_ends_at_its_time(office):
    """A token for a week is not one for ever."""
    token = await office.a_token("clients:read", lifetime=timedelta(hours=1))

    statuses = []
    for wait in (timedelta(minutes=59), timedelta(minutes=1)):
        office.clock.advance(wait)
        statuses.append((await office.call("GET /clients", token=token)).status)

    assert [200, 401] == statuses


async def test_a_token_of_one_issuer_opens_no_other():
    """Issuers share a store and nothing else."""
    other = an_issuer(id=OTHER_ISSUER_ID, url="https://other.example")
    office = await Office().open(other)
    token = await office.a_token(EVERYTHING)

    statuses = [
        (await office.call("GET /clients", token=token, host=host)).status
        for host in ("registry.example", "other.example")
    ]

    assert [200, 401] == statuses


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /nothing", 404),
        ("GET /clients/x/nothing", 404),
        ("GET /a/b/c/d", 404),
        ("PUT /clients", 405),
        ("DELETE /audit/events/x", 405),
    ],
)
async def test_even_where_nothing_is_the_answer_is_a_problem_document(office, line, status):
    """A program that reads problem documents meets nothing else below the API."""
    answer = await office.call(line)

    assert (status, status) == (answer.status, answer.body["status"])
    assert "application/problem+json" == answer.headers["content-type"]


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"document": {"reason": 1}}, "reason"),
        ({"document": {"reason": "x", "kindness": 1}}, "kindness"),
        ({"document": {"reason": "x"}, "headers": {"content-type": "text/plain"}}, "content-type"),
    ],
    ids=["type", "unknown-member", "media-type"],
)
async def test_a_body_that_does_not_fit_is_refused_by_name(office, sent, says):
    """Whoever wrote the request learns which member to mend."""
    client = await office.add_client()

    answer = await office.call(f"POST /clients/{client.client_id}/holds", **sent)

    assert 400 == answer.status
    assert says in answer.body["detail"]


async def test_answers_are_never_kept(office):
    """What an administrator saw must not lie in a proxy."""
    answers = [await office.call(line) for line in ("GET /clients", "GET /clients/x")]

    assert ["no-store"] * 2 == [answer.headers["cache-control"] for answer in answers]


def test_every_permission_has_a_sentence_and_an_operation():
    """A permission that opens nothing is a promise nobody keeps."""
    used = {operation.permission for operation in OPERATIONS}

    assert set(Permission) == set(SENTENCES)
    assert {Permission.METRICS_READ} == set(Permission) - used
