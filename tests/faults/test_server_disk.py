"""A server whose disk is full, breaks or turns read-only: it says so, loses nothing, comes back."""

import json
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from registrary.testing.server import RunningServer, environment, free_port, running_server
from tests.faults.faulty import FaultyServer, faulty_server, serving
from tests.faults.outage import (
    ADMIN,
    DOCUMENT,
    SERVICE,
    Load,
    load_on,
    readiness,
    registered_events,
    stored_clients,
    verdict_on,
    wait_until,
)

ENOUGH = 40  # answers of one kind in a row
READY = (200, {"store": "ok", "keys": "ok"})
UNREADY = (503, {"store": "failed", "keys": "ok"})
OUTAGES = {
    "full": "the disk is full; writing goes on by itself once there is space",
    "broken": "its disk reports an error",
    "read-only": "it cannot be written; look at its owner, its mode and how its disk is mounted",
}


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """Run one such server for the tests that leave it running."""
    with faulty_server(tmp_path_factory.mktemp("faulty")) as faulty:
        yield faulty


@pytest.fixture
def faulty(disk: FaultyServer) -> Iterator[FaultyServer]:
    """Return the server, with a disk that does what it should before and after."""
    yield disk
    disk.order("")


def read_back(client: dict[str, Any]) -> int:
    """Return how reading *client* with its own token is answered."""
    headers = {"authorization": f"Bearer {client['registration_access_token']}"}
    url = client["registration_client_uri"]
    return httpx2.get(url, headers=headers, trust_env=False).status_code


def assert_clear(refusals: list[httpx2.Response]) -> None:
    """Check that every refusal says that it will pass, and when to come again."""
    told = {
        (answer.status_code, answer.json()["error"], answer.headers["cache-control"])
        for answer in refusals
    }

    assert {(503, "temporarily_unavailable", "no-store")} == told
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refusals)
    assert {("error",)} == {tuple(answer.json()) for answer in refusals}


def assert_whole(server: RunningServer, load: Load, before: set[str]) -> None:
    """Check that exactly those are stored who were told so, each with its event."""
    acknowledged = load.acknowledged
    clients = [*before, *(client["client_id"] for client in acknowledged)]

    assert [] == load.lost
    assert set(clients) == stored_clients(server)
    assert sorted(clients) == sorted(registered_events(server))
    assert [] == verdict_on(server)["faults"]
    assert {200} == {read_back(client) for client in acknowledged[-50:]}


@pytest.mark.parametrize(("order", "text"), OUTAGES.items(), ids=OUTAGES.keys())
def test_an_outage_under_load_is_told_and_survived(
    faulty: FaultyServer, order: str, text: str
) -> None:
    """Nobody is at the keyboard when a disk fills up at night."""
    server, before = faulty.server, stored_clients(faulty.server)
    with load_on(server) as load:
        load.wait_for(ENOUGH, {201})
        early = load.acknowledged[0]
        faulty.order(order)
        load.wait_for(ENOUGH, {503})
        wait_until(lambda: readiness(server) == UNREADY)
        during = read_back(early), httpx2.get(f"{server.url}/healthz", trust_env=False).status_code
        faulty.order("")
        load.wait_for(ENOUGH, {201})
        wait_until(lambda: readiness(server) == READY)

    assert (200, 200) == during
    assert_clear(load.refused)
    assert_whole(server, load, before)
    log = server.log.read_text()
    assert f"{server.store}: {text}" in log
    assert "Traceback" not in log
    assert '"exception"' not in log


def test_what_is_written_elsewhere_is_refused_as_clearly(faulty: FaultyServer) -> None:
    """Updates, deletions and operators wait for the disk as registrations do."""
    with httpx2.Client(base_url=faulty.server.url, trust_env=False) as http:
        client = http.post("/register", json=DOCUMENT | SERVICE).json()
        own = {"authorization": f"Bearer {client['registration_access_token']}"}
        path = f"/register/{client['client_id']}"
        document = DOCUMENT | SERVICE | {"client_id": client["client_id"], "client_name": "new"}
        held = f"/api/v1/clients/{client['client_id']}/holds"
        before = http.get(path, headers=own).json()

        faulty.order("full")
        refused = [
            http.put(path, json=document, headers=own),
            http.put(f"{path}?rotate=client_secret", json=document, headers=own),
            http.delete(path, headers=own),
        ]
        of_operators = [
            http.post(held, json={"reason": "test"}, headers=ADMIN),
            http.post("/api/v1/initial-access-tokens", json={"uses": 1}, headers=ADMIN),
        ]
        token = http.post(
            "/token",
            data={"grant_type": "client_credentials"},
            auth=(client["client_id"], client["client_secret"]),
        )
        during = http.get(path, headers=own).json()
        faulty.order("")

        assert_clear(refused)
        assert {(503, "application/problem+json")} == {
            (answer.status_code, answer.headers["content-type"]) for answer in of_operators
        }
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in of_operators)
        assert (200, before) == (token.status_code, during)
        assert 200 == http.put(path, json=document, headers=own).status_code


def test_a_single_use_token_is_not_used_up_by_an_outage(faulty: FaultyServer) -> None:
    """Who was told to come again must be let in then, once."""
    with httpx2.Client(base_url=faulty.server.url, trust_env=False) as http:
        made = http.post("/api/v1/initial-access-tokens", json={"uses": 1}, headers=ADMIN)
        bearer = {"authorization": f"Bearer {made.json()['token']}"}

        statuses = []
        for order in ("full", "broken", "read-only", "", ""):
            faulty.order(order)
            statuses.append(http.post("/register", json=DOCUMENT, headers=bearer).status_code)

    assert [503, 503, 503, 201, 401] == statuses


def test_a_restart_in_an_outage_loses_nothing(tmp_path: Path) -> None:
    """It answers whoever is registered, says that it cannot write, and waits for space."""
    port = free_port()
    with faulty_server(tmp_path, port=port) as faulty:
        with load_on(faulty.server) as load:
            load.wait_for(ENOUGH, {201})
            faulty.order("full")
            load.wait_for(ENOUGH, {503})
        faulty.server.kill()

    with faulty_server(tmp_path, port=port) as again:
        during = [readiness(again.server), read_back(load.acknowledged[0])]
        again.order("")
        wait_until(lambda: readiness(again.server) == READY)

        assert [UNREADY, 200] == during
        assert_whole(again.server, load, set())


@pytest.mark.parametrize("order", OUTAGES)
def test_a_start_that_cannot_write_what_it_must_is_explained(tmp_path: Path, order: str) -> None:
    """The first start makes the store; one line must tell what keeps it from that."""
    orders, store = tmp_path / "orders", tmp_path / "registrary.db"
    orders.write_text(order)

    done = subprocess.run(
        serving(orders, store, port=free_port()),
        capture_output=True,
        check=False,
        env=environment(),
        timeout=60,
    )

    said = done.stderr.decode()
    assert 0 != done.returncode
    assert f"{store}: {OUTAGES[order]}" in said
    assert "Traceback" not in said


def limited_files(server: RunningServer) -> Callable[[], None]:
    """Forbid *server* to let any file grow, as its kernel sees it; returns what allows it again."""
    pid = server.process.pid
    sizes = [path.stat().st_size for path in server.store.parent.iterdir()]
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (max(sizes), before[1]))

    def lift() -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    return lift


def test_files_that_may_not_grow_are_told_and_survived(tmp_path: Path) -> None:
    """The same with real writes that the kernel refuses, halfway through a page for once."""
    with running_server(tmp_path) as server:
        with load_on(server) as load:
            load.wait_for(ENOUGH, {201})
            early = load.acknowledged[0]
            lift = limited_files(server)
            load.wait_for(3 * ENOUGH, {503})
            wait_until(lambda: readiness(server) == UNREADY)
            assert 200 == read_back(early)
            lift()
            load.wait_for(ENOUGH, {201})
            wait_until(lambda: readiness(server) == READY)

        assert_clear(load.refused)
        assert_whole(server, load, set())

    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line[:1] == "{"]
    outages = [line["message"] for line in lines if line["level"] == "error"]
    assert outages
    assert all("look at the disk and its space" in message for message in outages)
