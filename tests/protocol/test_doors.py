"""Who may register: modes, initial access tokens, holds, and what operators do."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from registrary.testing.server import (
    ADMIN_TOKEN,
    RunningServer,
    Stores,
    command,
    environment,
    free_port,
    running_server,
)

DOCUMENT = {"redirect_uris": ["https://app.example/cb"]}
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[RunningServer]:
    """Run a server as in production: behind a proxy, registration protected."""
    port = free_port()
    issuer = ("--issuer", "https://id.example")
    folder = tmp_path_factory.mktemp("protected")
    with running_server(folder, *issuer, port=port, dev=False, stores=stores) as running:
        yield running


@pytest.fixture(scope="module")
def door(protected: RunningServer) -> Iterator[httpx2.Client]:
    """Return a client of the protected server."""
    with httpx2.Client(base_url=protected.url, trust_env=False, timeout=20) as client:
        yield client


def registrary(server: RunningServer, *arguments: str) -> Any:
    """Run a command on the store of *server* and return its JSON."""
    line = command(*arguments, "--store", server.store_url, "--json")
    done = subprocess.run(line, capture_output=True, check=True, env=environment(), timeout=60)
    return json.loads(done.stdout)


def a_token(door: httpx2.Client, **wish: Any) -> str:
    """Return a new initial access token."""
    made = door.post("/api/v1/initial-access-tokens", json=wish, headers=ADMIN)
    token: str = made.json()["token"]
    return token


def enter(door: httpx2.Client, token: str | None) -> httpx2.Response:
    """Register with *token*."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return door.post("/register", json=DOCUMENT, headers=headers)


@pytest.mark.spec("A-003", "A-005", "A-006")
def test_a_protected_door_wants_a_token(door: httpx2.Client) -> None:
    """A payer's registry is not open to strangers."""
    stranger, friend = enter(door, None), enter(door, a_token(door))

    challenge = stranger.headers["www-authenticate"]
    assert (401, 'Bearer realm="registrary"') == (stranger.status_code, challenge)
    assert 201 == friend.status_code
    assert friend.json()["registration_client_uri"].startswith("https://id.example/register/")


def test_a_token_is_good_for_its_uses(door: httpx2.Client) -> None:
    """A used-up token opens nothing, and a refused registration uses nothing up."""
    token = a_token(door, uses=1)
    headers = {"authorization": f"Bearer {token}"}
    refused = door.post("/register", json={"redirect_uris": ["x"]}, headers=headers)
    preview = door.post("/register?dry_run=true", json=DOCUMENT, headers=headers)

    answers = [enter(door, token).status_code, enter(door, token).status_code]

    assert [400, 200] == [refused.status_code, preview.status_code]
    assert [201, 401] == answers


def test_a_single_use_token_makes_one_client_of_fifty_at_once(door: httpx2.Client) -> None:
    """Two requests that race must not both win."""
    token = a_token(door, uses=1)

    with ThreadPoolExecutor(16) as pool:
        statuses = sorted(
            answer.status_code for answer in pool.map(lambda _: enter(door, token), range(50))
        )

    assert [201] + [401] * 49 == statuses


def test_a_token_may_stand_in_the_path(door: httpx2.Client) -> None:
    """Some clients cannot send a header; their operator may forbid that way."""
    path = f"/register/t/{a_token(door)}"
    closed = f"/register/t/{a_token(door, header_only=True)}"

    assert 201 == door.post(path, json=DOCUMENT).status_code
    assert 401 == door.post(closed, json=DOCUMENT).status_code
    assert 401 == door.post("/register/t/guessed", json=DOCUMENT).status_code
    assert 400 == door.post(path, json=DOCUMENT, headers=ADMIN).status_code


def test_a_token_of_the_command_line_works_and_ends(
    door: httpx2.Client, protected: RunningServer
) -> None:
    """Commands work while the server runs, and it sees their effect."""
    made = registrary(protected, "initial-access-token", "create", "--uses", "5")
    before = enter(door, made["token"]).status_code
    registrary(protected, "initial-access-token", "revoke", made["id"])

    assert [201, 401] == [before, enter(door, made["token"]).status_code]


@pytest.mark.spec("B-021")
def test_a_held_client_reads_itself_and_no_more(door: httpx2.Client) -> None:
    """A registration access token never lifts a hold (CVE-2026-9705)."""
    body = enter(door, a_token(door)).json()
    path, headers = f"/register/{body['client_id']}", _bearer(body)
    held = door.post(
        f"/api/v1/clients/{body['client_id']}/holds", json={"reason": "test"}, headers=ADMIN
    )
    document = DOCUMENT | {"client_id": body["client_id"]}

    read = door.get(path, headers=headers)
    update = door.put(path, json=document, headers=headers)
    deletion = door.delete(path, headers=headers)

    assert [201, 200, 403, 403] == [
        held.status_code,
        read.status_code,
        update.status_code,
        deletion.status_code,
    ]
    assert "suspended" == read.json()["registrary_state"]


def test_a_revoked_client_is_gone(door: httpx2.Client, protected: RunningServer) -> None:
    """What an operator ends is ended for the client too."""
    body = enter(door, a_token(door)).json()
    registrary(protected, "client", "revoke", body["client_id"], "--reason", "test")

    answer = door.get(f"/register/{body['client_id']}", headers=_bearer(body))

    assert 401 == answer.status_code


def test_two_hundred_registrations_at_once_are_two_hundred_clients(
    http: httpx2.Client,
) -> None:
    """Nobody's client is lost or shared when many come together."""
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: http.post("/register", json=DOCUMENT), range(200)))

    assert {201} == {answer.status_code for answer in answers}
    assert 200 == len({answer.json()["client_id"] for answer in answers})


@pytest.mark.spec("A-117")
def test_a_refusal_leaves_no_client_behind(door: httpx2.Client) -> None:
    """Whatever is wrong is found before anything is stored."""
    headers = {"authorization": f"Bearer {a_token(door)}"}
    before = door.get("/api/v1/clients", headers=ADMIN).json()["items"]

    answer = door.post("/register", json={"redirect_uris": ["x"]}, headers=headers)

    assert (400, False) == (answer.status_code, "client_id" in answer.json())
    assert before == door.get("/api/v1/clients", headers=ADMIN).json()["items"]


def test_an_admin_token_is_asked_for(door: httpx2.Client) -> None:
    """The admin API opens for nobody else."""
    statuses = {
        door.get("/api/v1/clients", headers=headers).status_code
        for headers in ({}, {"authorization": "Bearer guessed"}, {"authorization": "Basic YTpi"})
    }

    assert {401} == statuses


def test_the_log_proves_what_happened(door: httpx2.Client, protected: RunningServer) -> None:
    """Every change has its event, and the whole log is signed."""
    body = enter(door, a_token(door)).json()
    events = door.get(f"/api/v1/clients/{body['client_id']}/events", headers=ADMIN).json()

    verdict = registrary(protected, "audit", "verify")

    assert ["client:registered"] == [item["event"]["tag"] for item in events["items"]]
    assert "rgy_" not in json.dumps(events)
    assert (True, []) == (verdict["sound"], verdict["faults"])


def _bearer(body: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {body['registration_access_token']}"}
