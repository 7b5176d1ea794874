"""The clock of one node is an hour off: the others, and what all share, do not follow it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from registrary.testing.postgres import Cluster
from tests.faults.assertions import ASSERTION_TYPE, assertion_of
from tests.faults.databases import cluster_of, store_of
from tests.faults.load import ADMIN, a_document
from tests.faults.machine import Machine, faulty_machine
from tests.faults.nodes import MIGRATING, UNLIMITED, Node, node_on
from tests.faults.outage import wait_until

pytestmark = pytest.mark.only_on("postgres", because="it starts its own")

HOUR = 3600
FORM = {"grant_type": "client_credentials"}
PER_MINUTE = 6
STRICT = ("--issuer", "https://login.example")
LIMITED = {
    "REGISTRARY_REGISTRATION__MODE": "open",
    "REGISTRARY_REGISTRATION__ANONYMOUS_PER_MINUTE": str(PER_MINUTE),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Run a database."""
    with cluster_of() as running:
        yield running


@dataclass(frozen=True)
class Nodes:
    """Two nodes; the clock of *odd*, which came first and leads, is that of *machine*."""

    machine: Machine
    odd: Node
    true: Node


@pytest.fixture(scope="module")
def module_nodes(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Run them once for the tests that leave them running."""
    with ExitStack() as stack:
        enter, store = stack.enter_context, store_of(cluster.port)
        folder, machine = tmp_path_factory.mktemp("nodes"), enter(faulty_machine())
        odd = enter(node_on(store, folder, options=MIGRATING, variables=machine.environment))
        true = enter(node_on(store, folder, options=(*UNLIMITED, "--issuer", odd.url)))
        yield Nodes(machine, odd, true)


@pytest.fixture
def nodes(module_nodes: Nodes) -> Iterator[Nodes]:
    """Return them, with clocks that are right before and after."""
    yield module_nodes
    module_nodes.machine.heal()


def a_client(node: Node, *, method: str = "client_secret_basic") -> dict[str, Any]:
    """Register a client."""
    client: dict[str, Any] = node.post("/register", json=a_document("x", method=method)).json()
    return client


def credentials_of(client: dict[str, Any]) -> tuple[str, str]:
    """Return what *client* authenticates with."""
    return client["client_id"], client["client_secret"]


def refuses(node: Node, own: tuple[str, str]) -> bool:
    """Tell whether *node* issues no token to who authenticates with *own*."""
    return not node.post("/token", data=FORM, auth=own).is_success


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_suspended_client_stops_at_both_nodes(nodes: Nodes, seconds: int) -> None:
    """What is kept in memory ages by a clock that nobody sets."""
    nodes.machine.step_clock(seconds)
    for told, other in ((nodes.odd, nodes.true), (nodes.true, nodes.odd)):
        client = a_client(told)
        own, path = credentials_of(client), f"/api/v1/clients/{client['client_id']}/holds"
        before = other.post("/token", data=FORM, auth=own)

        held = told.post(path, json={"reason": "test"}, headers=ADMIN)

        assert [200, 201] == [before.status_code, held.status_code]
        wait_until(partial(refuses, other, own))


def test_a_leader_ahead_removes_nothing_that_others_need(nodes: Nodes) -> None:
    """Notes of what was used or revoked must not end before what they are about."""
    client, other = a_client(nodes.true), a_client(nodes.true, method="client_secret_jwt")
    own = credentials_of(client)
    token = nodes.true.post("/token", data=FORM, auth=own).json()["access_token"]
    nodes.true.post("/revoke", data={"token": token}, auth=own)
    assertion = assertion_of(*credentials_of(other), audience=nodes.odd.url)
    asserted = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    used = nodes.true.post("/token", data=FORM | asserted)

    nodes.machine.step_clock(HOUR)
    nodes.odd.stop()  # which sweeps a last time
    nodes.odd.start()

    told = nodes.true.post("/introspect", data={"token": token}, auth=own).json()
    again = nodes.true.post("/token", data=FORM | asserted)
    assert [200, 401] == [used.status_code, again.status_code]
    assert {"active": False} == told


def test_a_limit_that_one_ahead_counted_is_over_in_a_minute(
    cluster: Cluster, tmp_path: Path
) -> None:
    """Limits are shared, and a wrong clock must not lock people out at every node."""
    with cluster.database() as store, faulty_machine() as machine, ExitStack() as stack:
        enter = stack.enter_context
        variables = machine.environment | LIMITED
        options = (*STRICT, "--migrate")
        odd = enter(node_on(store, tmp_path, options=options, variables=variables))
        true = enter(node_on(store, tmp_path, options=STRICT, variables=LIMITED))
        machine.step_clock(HOUR)

        told = [
            [node.post("/register", json=a_document("x")) for _ in range(PER_MINUTE + 1)][-1]
            for node in (odd, true)
        ]

    assert [429, 429] == [answer.status_code for answer in told]
    assert all(0 < int(answer.headers["retry-after"]) <= 60 for answer in told)
