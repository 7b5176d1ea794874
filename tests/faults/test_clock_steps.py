"""The clock of a node jumps an hour while it serves: promises about time hold, and work goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.faults.assertions import ASSERTION_TYPE, assertion_of
from tests.faults.ledger import Ledger
from tests.faults.load import a_document, load_on
from tests.faults.machine import Machine, faulty_machine
from tests.faults.nodes import Node, node_on
from tests.faults.outage import wait_until
from tests.faults.verdict import findings_on, listed

HOUR = 3600
JUMPS = (HOUR, 0, -HOUR, 0)
PER_MINUTE = 6
STRICT = ("--issuer", "https://login.example")
LIMITED = {
    "REGISTRARY_REGISTRATION__MODE": "open",
    "REGISTRARY_REGISTRATION__ANONYMOUS_PER_MINUTE": str(PER_MINUTE),
}
# Without tokens: who presents one under another clock is told that it has expired, rightly.
MIX = {"register": 3, "read": 3, "update": 3, "redeem": 2, "delete": 1}


@pytest.fixture(scope="module")
def module_machine() -> Iterator[Machine]:
    """Build the machine of the nodes."""
    with faulty_machine() as built:
        yield built


@pytest.fixture
def machine(module_machine: Machine) -> Iterator[Machine]:
    """Return the machine, whose clock is right before and after."""
    yield module_machine
    module_machine.heal()


@pytest.fixture(scope="module")
def node(module_machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Run a node on the machine."""
    folder = tmp_path_factory.mktemp("steps")
    with node_on(store_in(folder), folder, variables=module_machine.environment) as running:
        yield running


def store_in(folder: Path) -> str:
    """Return where a node keeps everything."""
    return f"sqlite:///{folder}/registrary.db"


def a_client(node: Node, *, method: str = "client_secret_basic") -> dict[str, Any]:
    """Register a client."""
    client: dict[str, Any] = node.post("/register", json=a_document("x", method=method)).json()
    return client


def test_writes_go_on_over_every_jump(node: Node, machine: Machine) -> None:
    """An hour that comes twice must make nothing twice, and one left out must lose nothing."""
    ledger = Ledger()

    with load_on([node.url], ledger, mix=MIX) as load:
        for seconds in JUMPS:
            load.wait_for_acknowledged(60)
            machine.step_clock(seconds)
        load.wait_for_acknowledged(60)

    assert [] == findings_on(node.url, ledger)
    wait_until(lambda: all(item["index"] is not None for item in listed(node.url, "audit/events")))
    assert [] == node.faults_of_log()


def test_a_token_ends_by_the_clock_and_by_nothing_else(node: Node, machine: Machine) -> None:
    """A clock that was wrong for a moment ends nobody's access for good."""
    client = a_client(node)
    own = (client["client_id"], client["client_secret"])
    issued = node.post("/token", data={"grant_type": "client_credentials"}, auth=own).json()

    found = []
    for seconds in JUMPS:
        machine.step_clock(seconds)
        told = node.post("/introspect", data={"token": issued["access_token"]}, auth=own)
        found.append((seconds, told.json()["active"]))

    assert (HOUR, False) == found[0]
    assert [(0, True)] * 2 == [found[1], found[3]]


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_an_assertion_is_used_once_over_a_jump(node: Node, machine: Machine, seconds: int) -> None:
    """Who records an assertion and waits for a jump gets no token with it."""
    client = a_client(node, method="client_secret_jwt")
    assertion = assertion_of(client["client_id"], client["client_secret"], audience=node.url)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }

    statuses = [node.post("/token", data=form).status_code]
    for step in (seconds, 0):
        machine.step_clock(step)
        statuses.append(node.post("/token", data=form).status_code)

    assert [200, 401, 401] == statuses


def refused(node: Node) -> httpx2.Response:
    """Register until the limit is reached; return how that is told."""
    answers = [node.post("/register", json=a_document("limit")) for _ in range(PER_MINUTE + 1)]
    return answers[-1]


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_limit_locks_nobody_out_for_the_length_of_a_jump(
    tmp_path: Path, machine: Machine, seconds: int
) -> None:
    """Whoever used up his minute waits a minute, whatever the clock did in it."""
    variables = machine.environment | LIMITED
    with node_on(store_in(tmp_path), tmp_path, variables=variables, options=STRICT) as node:
        machine.step_clock(seconds)
        told = [refused(node)]
        machine.step_clock(0)
        told.append(refused(node))

    assert [429, 429] == [answer.status_code for answer in told]
    assert all(0 < int(answer.headers["retry-after"]) <= 60 for answer in told)
