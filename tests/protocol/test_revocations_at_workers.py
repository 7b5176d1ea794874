"""What a command ended is known to every worker, and to others, within a second."""

import subprocess

import httpx2
import pytest

from registrary.testing.server import Stores, command, environment, running_server
from tests.protocol.kit import OPERATOR, SERVICE, eventually
from tests.protocol.receiver import a_receiver
from tests.protocol.test_status_lists import bit, place_of


@pytest.fixture(scope="module")
def server(tmp_path_factory, stores: Stores):
    """Run a server with two workers."""
    with running_server(
        tmp_path_factory.mktemp("workers"), "--workers", "2", stores=stores
    ) as running:
        yield running


def test_a_command_is_seen_at_every_worker_and_told_once(server):
    """Whoever suspends by command on the machine itself goes through no server at all."""
    with (
        httpx2.Client(base_url=server.url, trust_env=False, timeout=20) as http,
        a_receiver() as to,
    ):
        stream = {"url": f"{to.url}/events"}
        http.post("/api/v1/event-streams", json=stream, headers=OPERATOR)
        client = http.post("/register", json={**SERVICE, "scope": "read"}).json()
        own = (client["client_id"], client["client_secret"])
        form = {"grant_type": "client_credentials"}
        token = http.post("/token", data=form, auth=own).json()["access_token"]
        before = bit(http, place_of(token))

        arguments = ("client", "suspend", client["client_id"], "--reason", "stolen")
        subprocess.run(
            command(*arguments, "--store", server.store_url),
            check=True,
            capture_output=True,
            env=environment(),
            timeout=60,
        )
        (posted,) = to.wait_for(1)
        # Each look is a new connection, so that any worker may answer.
        place = place_of(token)
        everywhere = eventually(lambda: {bit(http, place) for _ in range(8)}, {1})

    assert (0, {1}) == (before, everywhere)
    assert ["urn:registrary:event:client-suspended"] == posted.events
    assert 1 == len(to.posted)
