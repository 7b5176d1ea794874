"""A registration that was acknowledged is there after a power cut, and the log still proves."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from registrary.testing.server import (
    SQLITE,
    RunningServer,
    Stores,
    environment,
    free_port,
    running_server,
)
from tests.faults.faulty import answers
from tests.faults.outage import (
    ADMIN,
    PATIENCE,
    listed,
    registered_events,
    stored_clients,
    verdict_on,
    wait_until,
)

# Each round starts a server; more are asked for by name where there is time.
ROUNDS = int(os.environ.get("POWER_CUT_ROUNDS", "2"))  # of each kind
WRITERS = 8
ACKNOWLEDGED = range(20, 120)  # registrations before the cut, about a second's work
PROGRAM = Path(__file__).with_name("volatile_server.py")
DOCUMENT = {"redirect_uris": ["https://a.b/cb"]}

Record = Callable[[str, object], None]


def killed(folder: Path, port: int, stores: Stores) -> AbstractContextManager[RunningServer]:
    """Run a server whose kernel, or whose database, finishes its writes when it is killed."""
    return running_server(folder, port=port, stores=stores)


@contextmanager
def without_power(folder: Path, port: int, stores: Stores) -> Iterator[RunningServer]:
    """Run a server that loses with its life what it did not force to disk, which is SQLite's."""
    log, store = folder / "server.log", stores.at(folder)
    arguments = ["serve", "--dev", "--listen", f"127.0.0.1:{port}", "--store", store]
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *arguments],
            stdout=stream,
            stderr=stream,
            env=environment(),
        )
    server = RunningServer(f"http://127.0.0.1:{port}", store, log, process)
    try:
        wait_until(lambda: answers(server))
        yield server
    finally:
        process.kill()
        process.wait(PATIENCE)


@dataclass
class Tally:
    """What was sent, and what was acknowledged."""

    sent: int = 0
    acknowledged: list[dict[str, Any]] = field(default_factory=list)


def register_until_cut(server: RunningServer) -> Tally:
    """Register from several threads, cut the power under load, return what was acknowledged."""
    tally, enough = Tally(), threading.Event()
    target = random.choice(ACKNOWLEDGED)
    made = httpx2.post(
        f"{server.url}/api/v1/initial-access-tokens", json={"uses": 10**6}, headers=ADMIN
    )
    bearer = {"authorization": f"Bearer {made.json()['token']}"}

    def write() -> None:
        with httpx2.Client(base_url=server.url, trust_env=False, timeout=10) as client:
            while True:
                tally.sent += 1
                try:
                    answer = client.post("/register", json=DOCUMENT, headers=bearer)
                except httpx2.HTTPError:
                    return
                if answer.status_code == 201:
                    tally.acknowledged.append(answer.json())
                if len(tally.acknowledged) >= target:
                    enough.set()

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    assert enough.wait(PATIENCE)
    server.kill()
    for writer in writers:
        writer.join()
    return tally


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_no_acknowledged_registration_is_lost_with_the_server(
    tmp_path: Path, stores: Stores, turn: int, record_property: Record
) -> None:
    """Every 201 that was sent is a client afterwards, with its token, and nothing is torn."""
    del turn
    port = free_port()
    with killed(tmp_path, port, stores) as server:
        tally = register_until_cut(server)

    assert_kept(tally, tmp_path, stores, port=port, record=record_property)


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_no_acknowledged_registration_is_lost_with_the_power(
    tmp_path: Path, turn: int, record_property: Record
) -> None:
    """The same where the machine goes too, with what its disk had not yet taken."""
    del turn
    port = free_port()
    with without_power(tmp_path, port, SQLITE) as server:
        tally = register_until_cut(server)

    assert_kept(tally, tmp_path, SQLITE, port=port, record=record_property)


def assert_kept(tally: Tally, folder: Path, stores: Stores, *, port: int, record: Record) -> None:
    """Demand that what was acknowledged is there.

    Nobody was told of the others that are there; they are whole all the same, and counted.
    """
    with (
        running_server(folder, port=port, stores=stores) as again,
        httpx2.Client(trust_env=False) as client,
    ):
        found = [
            client.get(
                body["registration_client_uri"],
                headers={"authorization": f"Bearer {body['registration_access_token']}"},
            ).status_code
            for body in tally.acknowledged
        ]
        stored, events = stored_clients(again), registered_events(again)
        (token,) = listed(again, "initial-access-tokens")

    verdict = verdict_on(again)
    record("sent", tally.sent)
    record("acknowledged", len(tally.acknowledged))
    record("stored", len(stored))
    assert [200] * len(tally.acknowledged) == found
    assert len(stored) <= tally.sent
    assert sorted(stored) == sorted(events)
    assert len(stored) == token["uses_made"]
    assert [] == verdict["faults"]
