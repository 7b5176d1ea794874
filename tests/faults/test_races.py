"""What comes at once to several processes on one file is done once each, and not more."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from registrary.testing.server import RunningServer, Stores, running_server
from tests.faults.outage import ADMIN, listed, registered_events, stored_clients, verdict_on

DOCUMENT = {"redirect_uris": ["https://app.example/cb"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[RunningServer]:
    """Run two processes at one address."""
    folder = tmp_path_factory.mktemp("races")
    with running_server(folder, "--workers", "2", "--no-rate-limits", stores=stores) as running:
        yield running


def at_once(server: RunningServer, count: int, **request: object) -> Counter[int]:
    """Register *count* times at one moment, each on a connection of its own; count the answers."""
    start = threading.Barrier(count)

    def register(_: int) -> int:
        with httpx2.Client(base_url=server.url, trust_env=False, timeout=60) as client:
            client.get("/healthz")  # connected before the race
            start.wait()
            answer = client.post("/register", json=DOCUMENT, **request)  # type: ignore[arg-type]  # headers
            return answer.status_code

    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(register, range(count)))


def a_token(server: RunningServer, uses: int) -> dict[str, str]:
    """Return the header of a new initial access token."""
    url = f"{server.url}/api/v1/initial-access-tokens"
    made = httpx2.post(url, json={"uses": uses}, headers=ADMIN, trust_env=False)
    return {"authorization": f"Bearer {made.json()['token']}"}


def test_two_hundred_registrations_at_once_are_two_hundred_clients(server: RunningServer) -> None:
    """Nobody's client is lost, shared or made twice when many come together."""
    before = stored_clients(server)

    answers = at_once(server, 200)

    assert {201: 200} == answers
    assert 200 == len(stored_clients(server) - before)
    assert len(stored_clients(server)) == len(registered_events(server))


@pytest.mark.parametrize(("uses", "callers"), [(1, 50), (20, 50)])
def test_a_token_is_good_for_its_uses_at_once(
    server: RunningServer, uses: int, callers: int
) -> None:
    """Two requests that race for the last use must not both win, in whatever process they are."""
    before, header = stored_clients(server), a_token(server, uses)

    answers = at_once(server, callers, headers=header)

    assert {201: uses, 401: callers - uses} == answers
    assert uses == len(stored_clients(server) - before)
    assert uses == listed(server, "initial-access-tokens")[-1]["uses_made"]


def test_the_log_proves_all_of_it(server: RunningServer) -> None:
    """Two processes wrote it, and took turns giving indexes."""
    assert {201: 50} == at_once(server, 50)

    assert [] == verdict_on(server)["faults"]
