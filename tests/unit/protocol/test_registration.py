"""The registration endpoint: who may come in is settled before anybody reads what was sent."""

import json
from typing import Any

import pytest

from registrary.core.issuer import Limits, RegistrationMode
from registrary.core.records import InitialAccessToken
from registrary.protocol.http import HttpRequest
from registrary.protocol.registration import RegistrationEndpoint
from registrary.registrar.initial_access_tokens import InitialAccessTokens, TokenWish
from tests.unit.registrar.desk import OPERATOR, PEER, Desk

pytestmark = pytest.mark.anyio

DOCUMENT = {"redirect_uris": ["https://client.example/cb"]}
UNREADABLE = [
    pytest.param(b"", "application/json", id="nothing"),
    pytest.param(b"{" * 60_000, "application/json", id="no-json"),
    pytest.param(b"\xff", "application/json", id="no-text"),
    pytest.param(b"{}", "text/plain", id="another-type"),
    pytest.param(b'{"redirect_uris": 1}', "application/json", id="bad-member"),
]


async def post(
    desk: Desk,
    body: bytes,
    *,
    kind: str = "application/json",
    token: str | None = None,
    query: str = "",
) -> tuple[int, dict[str, Any]]:
    """Send *body* to the endpoint and return status and JSON of the answer."""
    headers = [(b"content-type", kind.encode())]
    if token is not None:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    endpoint = RegistrationEndpoint(desk.context, desk.registrar)
    request = HttpRequest("POST", "/register", query, tuple(headers), body, PEER)
    answer = await endpoint.create(request)
    return answer.status, json.loads(answer.body)


async def a_token(desk: Desk, **wish: Any) -> tuple[InitialAccessToken, str]:
    """Return an initial access token, as kept and as text."""
    record, token = await InitialAccessTokens(desk.services).create(
        desk.context, TokenWish(**wish), actor=OPERATOR
    )
    return record, token.reveal()


@pytest.mark.parametrize(("body", "kind"), UNREADABLE)
@pytest.mark.parametrize("query", ["", "dry_run=true"], ids=["register", "preview"])
async def test_a_stranger_is_told_so_whatever_was_sent(body, kind, query):
    """Sixty thousand brackets from nobody are worth no more of our time than an empty body."""
    desk = Desk(mode=RegistrationMode.PROTECTED)

    answers = [
        await post(desk, body, kind=kind, token=token, query=query)
        for token in (None, "rgy_iat_guessed")
    ]

    assert [(401, "invalid_token")] * 2 == [(status, says["error"]) for status, says in answers]


@pytest.mark.parametrize(("body", "kind"), UNREADABLE)
async def test_a_closed_issuer_reads_nothing(body, kind):
    """Nobody comes in, so no document is worth a look."""
    desk = Desk(mode=RegistrationMode.CLOSED)

    status, says = await post(desk, body, kind=kind)

    assert (403, "access_denied") == (status, says["error"])


@pytest.mark.parametrize(("body", "kind"), UNREADABLE)
async def test_a_preview_says_what_is_wrong_with_an_unreadable_body(body, kind):
    """Whoever asks what would come of it has an answer, and is not refused the question."""
    desk = Desk(mode=RegistrationMode.OPEN)

    status, refusal = await post(desk, body, kind=kind)
    asked, told = await post(desk, body, kind=kind, query="dry_run=true")

    assert (400, 200, "refused") == (status, asked, told.pop("result"))
    assert "failed" in [check["outcome"] for check in told.pop("checks")]
    assert refusal == told


@pytest.mark.parametrize(("body", "kind"), UNREADABLE)
async def test_who_comes_too_often_is_told_so_whatever_was_sent(body, kind):
    """The rate limit bounds what bad documents cost, not only good ones."""
    desk = Desk(mode=RegistrationMode.OPEN, limits=Limits(anonymous_registrations_per_minute=2))

    answers = [await post(desk, body, kind=kind) for _ in range(3)]

    assert [400, 400, 429] == [status for status, _ in answers]


async def test_a_refused_document_takes_a_turn_of_its_token():
    """A leaked token must not buy unlimited work."""
    desk = Desk(limits=Limits(registrations_per_minute=2))
    _, token = await a_token(desk)

    answers = [await post(desk, b"{}", token=token, query="dry_run=true") for _ in range(3)]

    assert [200, 200, 429] == [status for status, _ in answers]


async def test_a_token_that_ends_while_its_document_is_read_lets_nobody_in():
    """What was true at the door is looked at again when the client is written."""
    desk = Desk()
    record, token = await a_token(desk)
    desk.store.meanwhile = [desk.changes(record, revoked_at=desk.clock.now())]

    status, says = await post(desk, json.dumps(DOCUMENT).encode(), token=token)

    refusals = await desk.events("registration:refused")
    assert (401, "invalid_token") == (status, says["error"])
    assert [record.id] == [event["actor"]["id"] for event in refusals]


async def test_who_guesses_tokens_by_previews_is_counted_like_any_other():
    """Asking what would happen is no quiet way to try tokens."""
    desk = Desk(mode=RegistrationMode.PROTECTED)
    record, revoked = await a_token(desk)
    await desk.store.commit(desk.changes(record, revoked_at=desk.clock.now()))
    before = await desk.events()

    for token in ("rgy_iat_guessed", "rgy_iat_" + "0" * 71, revoked, None):
        await post(desk, b"{}", token=token, query="dry_run=true")

    assert {(PEER, "invalid_token"): 4} == desk.counted()
    assert before == await desk.events(), "a preview stores nothing"


@pytest.mark.parametrize(
    "query",
    [
        "dry_run",
        "dry_run=",
        "dry_run=1",
        "dry_run=TRUE",
        "dry_run=yes",
        "dry_run=true%20",
        "dry_run=0",
        "dry_run=true&dry_run=true",
    ],
)
async def test_a_preview_that_is_misspelt_is_not_a_registration(query):
    """Whoever asks what would happen must not find that it happened."""
    desk = Desk(mode=RegistrationMode.OPEN)

    status, says = await post(desk, json.dumps(DOCUMENT).encode(), query=query)

    assert (400, "invalid_request") == (status, says["error"])
    assert (0, []) == (desk.store.commits, await desk.events())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 201),
        ("dry_run=false", 201),
        ("dry_run=true", 200),
        ("other", 201),
        ("dry%5Frun=true", 200),
    ],
)
async def test_a_registration_is_previewed_when_asked_and_else_made(query, expected):
    """Parameters nobody knows are no reason to refuse."""
    desk = Desk(mode=RegistrationMode.OPEN)

    status, _ = await post(desk, json.dumps(DOCUMENT).encode(), query=query)

    assert expected == status
    assert (status == 201) == (desk.store.commits == 1)
