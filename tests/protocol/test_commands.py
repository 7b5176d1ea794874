"""Commands work on the store of a running server, which sees at once what they did."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from registrary.testing.server import (
    ADMIN_TOKEN,
    RunningServer,
    Stores,
    command,
    environment,
    running_server,
)

DOCUMENT = {"client_name": "Report", "grant_types": ["client_credentials"]}
ADMIN = {"authorization": f"Bearer {ADMIN_TOKEN}"}
PATIENCE_SECONDS = (
    20  # a busy machine may be slow; a promise of one second is kept by a second look
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[RunningServer]:
    """Run a server with two workers, which both have to see what a command did."""
    with running_server(
        tmp_path_factory.mktemp("commands"), "--workers", "2", stores=stores
    ) as running:
        yield running


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    """Return a client of the server."""
    with httpx2.Client(base_url=server.url, trust_env=False, timeout=20) as client:
        yield client


def registrary(store: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a store."""
    return subprocess.run(
        command(*arguments, "--store", store),
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        timeout=60,
    )


def shown(server: RunningServer, *arguments: str) -> Any:
    """Return what a command shows to machines."""
    done = registrary(server.store_url, *arguments, "--json")
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def registered(http: httpx2.Client) -> dict[str, Any]:
    """Register a client and return the answer."""
    body: dict[str, Any] = http.post("/register", json=DOCUMENT).json()
    return body


def token_status(server: RunningServer, client: dict[str, Any], secret: str | None = None) -> int:
    """Ask for a token on a new connection, so that any worker may answer."""
    answer = httpx2.post(
        f"{server.url}/token",
        data={"grant_type": "client_credentials"},
        auth=(client["client_id"], secret or client["client_secret"]),
        trust_env=False,
    )
    return answer.status_code


def always(wanted: int, ask: Callable[[], int], *, times: int = 8) -> bool:
    """Tell whether *ask* soon answers *wanted*, and then so many *times* in a row."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if all(ask() == wanted for _ in range(times)):
            return True
    return False


def test_a_suspended_client_stops_at_every_worker(server, http):
    """Whoever suspends a client that was stolen cannot restart the server first."""
    client = registered(http)
    before = token_status(server, client)

    shown(server, "client", "suspend", client["client_id"], "--reason", "stolen")
    held = always(401, lambda: token_status(server, client))
    shown(server, "client", "resume", client["client_id"])

    assert (200, True) == (before, held)
    assert always(200, lambda: token_status(server, client))


def test_a_revoked_client_is_gone_at_every_worker(server, http):
    """What has ended has ended everywhere."""
    client = registered(http)

    shown(server, "client", "revoke", client["client_id"], "--reason", "contract ended")

    assert always(401, lambda: token_status(server, client))


def test_a_rotated_secret_is_good_at_every_worker(server, http):
    """The new one at once, the old one not one request longer where it leaked."""
    client = registered(http)

    new = shown(server, "client", "rotate-secret", client["client_id"], "--overlap", "0s")

    assert always(200, lambda: token_status(server, client, new["client_secret"]))
    assert always(401, lambda: token_status(server, client))


def test_an_admin_token_of_the_command_line_opens_the_api_until_it_ends(server):
    """The first administrator may come by the command line."""
    made = shown(server, "admin-token", "create", "x", "--permission", "clients:read")

    def ask() -> int:
        headers = {"authorization": f"Bearer {made['token']}"}
        url = f"{server.url}/api/v1/clients"
        return httpx2.get(url, headers=headers, trust_env=False).status_code

    opened = always(200, ask)
    shown(server, "admin-token", "revoke", made["id"])

    assert opened
    assert always(401, ask)


def test_a_change_of_the_issuer_is_served_by_every_worker(server, http):
    """Registration that was closed is closed."""
    issuer = http.get("/api/v1/issuers", headers=ADMIN).json()["items"][0]
    path = f"/api/v1/issuers/{issuer['id']}"

    def register() -> int:
        return httpx2.post(f"{server.url}/register", json=DOCUMENT, trust_env=False).status_code

    closed = http.patch(path, json={"mode": "closed"}, headers=ADMIN)
    shut = always(403, register)
    http.patch(path, json={"mode": "open"}, headers=ADMIN)

    assert (200, True) == (closed.status_code, shut)
    assert always(201, register)


def test_an_event_is_proved_while_the_server_runs(server, http, tmp_path):
    """The log is signed within a second; the proof needs the server no more."""
    client = registered(http)
    path = f"/api/v1/clients/{client['client_id']}/events"
    event = http.get(path, headers=ADMIN).json()["items"][0]["id"]
    proof = tmp_path / "proof.jsonl"
    arguments = ("audit", "prove", event, "--output", str(proof))

    proved = always(0, lambda: registrary(server.store_url, *arguments).returncode, times=1)

    verdict = shown(server, "audit", "verify", str(proof))
    assert (True, True, 1) == (proved, verdict["sound"], verdict["events"])


def test_a_backup_under_load_is_one_moment_of_the_store(server, http, tmp_path, stores):
    """Whoever was answered before it began is in it, and its log holds."""
    before = registered(http)
    backup = tmp_path / "backup"
    with ThreadPoolExecutor(4) as pool:
        load = [pool.submit(registered, http) for _ in range(200)]
        made = shown(server, "backup", str(backup), "--with-keys")
        for one in load:
            one.result()

    store = stores.at(tmp_path / "restored")
    restored = registrary(store, "restore", str(backup), "--json")
    listed = registrary(store, "client", "list", "--limit", "10000", "--json")
    verified = registrary(store, "audit", "verify", "--json")

    assert (0, "") == (restored.returncode, restored.stderr)
    assert made["with_keys"]
    assert before["client_id"] in {one["client_id"] for one in json.loads(listed.stdout)}
    assert json.loads(verified.stdout)["sound"]


def test_clients_of_a_restored_store_get_their_tokens(server, http, tmp_path, stores):
    """Restoring means that nobody has to register again."""
    client = registered(http)
    backup = tmp_path / "backup"
    shown(server, "backup", str(backup), "--with-keys")
    folder = tmp_path / "restored"
    store = stores.at(folder)
    assert 0 == registrary(store, "restore", str(backup)).returncode

    with running_server(folder, stores=stores) as again:
        status = token_status(again, client)

    assert 200 == status


def test_a_running_server_is_not_restored_over(server, http, tmp_path):
    """It would go on writing to a file that has no name any more, or find others in its tables."""
    backup = tmp_path / "backup"
    shown(server, "backup", str(backup))
    client = registered(http)

    done = registrary(server.store_url, "restore", str(backup), "--force")

    reasons = ("stop the server first", "restore into a database that is empty")
    assert 1 == done.returncode
    assert any(reason in done.stderr for reason in reasons)
    assert 200 == token_status(server, client)


@pytest.mark.only_on("sqlite", because="the PostgreSQL of tests forgoes fsync, which is a finding")
def test_the_doctor_finds_nothing_against_a_running_server(server):
    """What it finds on a good day is what nobody reads on a bad one."""

    def ask() -> int:
        return registrary(server.store_url, "doctor", server.url).returncode

    assert always(0, ask, times=1)


def test_a_command_is_told_by_its_exit_code(server, tmp_path):
    """0 done, 1 refused or failed, 2 wrong usage: scripts know nothing else."""
    lines = [
        ("client", "list"),
        ("client", "show", "x"),
        ("client", "list", "--issuer", "https://third.example"),
        ("client", "list", "--unknown"),
        ("backup", str(Path(tmp_path) / "none" / "backup")),
    ]

    codes = [registrary(server.store_url, *line).returncode for line in lines]

    assert [0, 1, 2, 2, 1] == codes
