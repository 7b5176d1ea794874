"""The database goes away in every way it can, and is back: nodes tell, lose nothing, go on."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import httpx2
import pytest

from registrary.testing.postgres import Cluster
from tests.faults.databases import (
    ANSWERED_SECONDS,
    IMPATIENT,
    cluster_of,
    connections_of_nodes,
    end_connections,
    every_connection_of,
    locked,
    store_of,
)
from tests.faults.ledger import Ledger, Outcome
from tests.faults.load import Load, a_document, load_on
from tests.faults.machine import Machine, faulty_machine
from tests.faults.nodes import MIGRATING, Node, node_on
from tests.faults.outage import wait_until
from tests.faults.proxy import Network, Proxy, proxy_to
from tests.faults.verdict import findings_on

pytestmark = pytest.mark.only_on("postgres", because="it starts its own")

SOME = 40  # acknowledged writes that show that all is well
FEW = 6  # refusals that show that it is not; each may take a deadline
CONNECTIONS = 8  # of a node's pool, as settings have it
SPARE = 6  # connections and files beside those: listening, leading, what a moment needs
TABLES, LOG = "/base/", "/pg_wal/"  # disks of the database's machine
GROWTH_BYTES = 80_000_000  # more than caches take, less than a leak under load for seconds


@dataclass(frozen=True)
class Place:
    """A node, the network to its database, and the machine that the database runs on."""

    machine: Machine
    cluster: Cluster
    proxy: Proxy
    node: Node

    def heal(self) -> None:
        """Let everything be well again."""
        self.machine.heal()
        self.proxy.become(Network.WHOLE)


@pytest.fixture(scope="module")
def module_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start them once for the tests that leave them running, with a log that proves in the end."""
    with ExitStack() as stack:
        enter = stack.enter_context
        machine = enter(faulty_machine(TABLES, LOG))
        cluster = enter(cluster_of(machine=machine))
        proxy = enter(proxy_to(("127.0.0.1", cluster.port)))
        folder, store = tmp_path_factory.mktemp("outages"), store_of(proxy.port)
        node = enter(node_on(store, folder, options=MIGRATING, variables=IMPATIENT))
        yield Place(machine, cluster, proxy, node)
        assert [] == node.faults_of_log()


@pytest.fixture
def place(module_place: Place) -> Iterator[Place]:
    """Return the place, well before and after."""
    module_place.node.wait_until_ready()
    yield module_place
    module_place.heal()


def assert_well(place: Place, ledger: Ledger, before: tuple[int, int]) -> None:
    """Check every promise once the outage is over and nobody writes any more."""
    files, memory = before

    assert [] == findings_on(place.node.url, ledger, within=ANSWERED_SECONDS)
    assert 0 == ledger.total(Outcome.LOST) + ledger.total(Outcome.UNREACHED)
    wait_until(lambda: connections_of_nodes(place.cluster) <= CONNECTIONS + SPARE)
    wait_until(lambda: place.node.open_files() <= files + CONNECTIONS + SPARE)
    assert place.node.resident_bytes() <= memory + GROWTH_BYTES


def held(node: Node) -> tuple[int, int]:
    """Return what *node* holds: open files and bytes of memory."""
    return node.open_files(), node.resident_bytes()


def survived(place: Place, fail: Callable[[Load], None], recover: Callable[[], None]) -> Ledger:
    """Let the database *fail* under load and *recover*; return what callers were told."""
    ledger, before = Ledger(), held(place.node)
    with load_on([place.node.url], ledger) as load:
        load.wait_for_acknowledged(SOME)
        fail(load)
        recover()
        load.wait_for_acknowledged(SOME)
    place.node.wait_until_ready()
    assert_well(place, ledger, before)
    return ledger


CUTS = [network for network in Network if network is not Network.WHOLE]


@pytest.mark.parametrize("network", CUTS, ids=lambda network: network.name.lower())
def test_a_cut_network_is_told_and_survived(place: Place, network: Network) -> None:
    """Between node and database lies a network, and each way it fails looks different."""

    def cut(load: Load) -> None:
        place.proxy.become(network)
        load.wait_for_refused(FEW)
        wait_until(lambda: not place.node.is_ready())

    ledger = survived(place, cut, lambda: place.proxy.become(Network.WHOLE))

    assert ledger.total(Outcome.REFUSED) >= FEW


def test_a_slow_network_only_takes_time(place: Place) -> None:
    """Nothing is refused that arrives within the deadline."""

    def slow(load: Load) -> None:
        place.proxy.delay_seconds = 0.05
        load.wait_for_acknowledged(FEW)

    def recover() -> None:
        place.proxy.delay_seconds = 0.0

    ledger = survived(place, slow, recover)

    assert 0 == ledger.total(Outcome.REFUSED)


@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
def test_a_database_that_restarts_is_waited_for(place: Place, mode: str) -> None:
    """Minor versions are installed at noon; crashes do not ask."""

    def end(load: Load) -> None:
        place.cluster.kill() if mode == "kill" else place.cluster.stop(mode=mode)
        load.wait_for_refused(FEW)

    ledger = survived(place, end, place.cluster.start)

    assert ledger.total(Outcome.REFUSED) >= FEW


def test_connections_that_are_ended_are_made_anew(place: Place) -> None:
    """Operators and poolers end connections whenever they like."""

    def end(load: Load) -> None:
        for _ in range(5):
            end_connections(place.cluster)
            load.wait_for_acknowledged(FEW)

    survived(place, end, lambda: None)


def test_a_database_without_connections_left_is_told_and_survived(place: Place) -> None:
    """Somebody else's program took them all, and gives them back one day."""
    with ExitStack() as taken:

        def take(load: Load) -> None:
            taken.enter_context(every_connection_of(place.cluster))
            load.wait_for_refused(FEW)

        ledger = survived(place, take, taken.close)

    assert ledger.total(Outcome.REFUSED) >= FEW


def test_a_slow_disk_is_told_and_survived(place: Place) -> None:
    """A commit that takes longer than its deadline is answered when the deadline ends."""

    def slow(load: Load) -> None:
        place.machine.slow_disk(5 * ANSWERED_SECONDS)
        load.wait_for_refused(FEW)

    ledger = survived(place, slow, lambda: place.machine.slow_disk(0))

    assert place.machine.felt
    assert ledger.total(Outcome.REFUSED) >= FEW


def test_a_full_disk_is_told_and_survived(place: Place) -> None:
    """What is there can be read, and writing goes on once there is space."""

    def fill(load: Load) -> None:
        place.machine.fill_disk(TABLES)
        load.wait_for_refused(FEW)
        wait_until(lambda: "its disk is full" in place.node.log.read_text())

    ledger = survived(place, fill, place.machine.free_disks)

    assert ledger.total(Outcome.REFUSED) >= FEW


def test_a_database_whose_log_is_full_is_waited_for(place: Place) -> None:
    """PostgreSQL panics then, and starts anew by itself or by whoever looks after it."""

    def fill(load: Load) -> None:
        place.machine.fill_disk(LOG)
        with suppress(RuntimeError):  # it panics
            for _ in range(20):
                place.cluster.sql("select pg_logical_emit_message(true, '', ''), pg_switch_wal()")
        load.wait_for_refused(FEW)

    def recover() -> None:
        place.machine.free_disks()
        if not place.cluster.is_running:
            place.cluster.start()

    ledger = survived(place, fill, recover)

    assert "PANIC" in place.cluster.log.read_text()
    assert ledger.total(Outcome.REFUSED) >= FEW


def test_a_lock_on_one_client_stops_nobody_else(place: Place) -> None:
    """An operator with an open transaction is in the way of one client, within a deadline."""
    ledger = Ledger()
    with load_on([place.node.url], ledger) as load:
        load.wait_for_acknowledged(SOME)
        client = httpx2.post(f"{place.node.url}/register", json=a_document("x"), trust_env=False)
        registered = client.json()
        headers = {"authorization": f"Bearer {registered['registration_access_token']}"}
        path = f"/register/{registered['client_id']}"
        with locked(place.cluster, "client", registered["client_id"]):
            begun = time.monotonic()
            blocked = place.node.request("DELETE", path, headers=headers)
            seconds = time.monotonic() - begun
            load.wait_for_acknowledged(SOME)
        freed = place.node.request("DELETE", path, headers=headers)

    assert 503 == blocked.status_code
    assert int(blocked.headers["retry-after"]) >= 1
    assert seconds <= ANSWERED_SECONDS
    assert freed.status_code in {204, 401}  # 401: the first was done after all, when the lock went
    assert [] == findings_on(place.node.url, ledger, within=ANSWERED_SECONDS)
