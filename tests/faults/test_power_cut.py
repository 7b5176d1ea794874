"""A registration that was acknowledged is there after a power cut, and the log still proves."""

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from registrary.testing.server import (
    RunningServer,
    command,
    environment,
    free_port,
    running_server,
)

# Each round starts a server; more are asked for by name where there is time.
ROUNDS = int(os.environ.get("POWER_CUT_ROUNDS", "4"))
WRITERS = 8
ACKNOWLEDGED = 60  # registrations before the cut, about a second's work


def register_until_cut(server: RunningServer) -> list[dict[str, Any]]:
    """Register from several threads, cut the power under load, return what was acknowledged."""
    acknowledged: list[dict[str, Any]] = []
    enough = threading.Event()

    def write() -> None:
        with httpx2.Client(base_url=server.url, trust_env=False, timeout=10) as client:
            while True:
                try:
                    answer = client.post("/register", json={"redirect_uris": ["https://a.b/cb"]})
                except httpx2.HTTPError:
                    return
                if answer.status_code == 201:
                    acknowledged.append(answer.json())
                if len(acknowledged) >= ACKNOWLEDGED:
                    enough.set()

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    assert enough.wait(60)
    server.kill()
    for writer in writers:
        writer.join()
    return acknowledged


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_no_acknowledged_registration_is_lost(tmp_path: Path, turn: int) -> None:
    """Every 201 that was sent is a client afterwards, with its token, and nothing is torn."""
    del turn
    port = free_port()
    with running_server(tmp_path, port=port) as server:
        acknowledged = register_until_cut(server)

    with running_server(tmp_path, port=port) as again, httpx2.Client(trust_env=False) as client:
        found = [
            client.get(
                body["registration_client_uri"],
                headers={"authorization": f"Bearer {body['registration_access_token']}"},
            ).status_code
            for body in acknowledged
        ]

    line = command("audit", "verify", "--json", "--store", again.store_url)
    verified = subprocess.run(line, capture_output=True, check=False, env=environment(), timeout=60)
    assert [200] * len(acknowledged) == found
    assert json.loads(verified.stdout)["faults"] == []
