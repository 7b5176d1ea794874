"""The primary dies under load, and its synchronous standby has all that was acknowledged."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from registrary.testing.postgres import Cluster
from tests.faults.databases import ANSWERED_SECONDS, IMPATIENT, cluster_of, store_of
from tests.faults.ledger import Ledger, Outcome
from tests.faults.load import load_on
from tests.faults.nodes import MIGRATING, UNLIMITED, Node, node_on
from tests.faults.outage import wait_until
from tests.faults.proxy import proxy_to
from tests.faults.verdict import findings_on

pytestmark = pytest.mark.only_on("postgres", because="it starts its own")

SOME = 60  # acknowledged writes that show that all is well
FEW = 6  # refusals that show that it is not


@dataclass(frozen=True)
class Pair:
    """A primary and a standby that has every commit before it is acknowledged."""

    primary: Cluster
    standby: Cluster


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Run both."""
    with cluster_of() as primary, primary.standby(synchronous=True) as standby:
        yield Pair(primary, standby)


@contextmanager
def two_nodes(store: str, folder: Path) -> Iterator[list[Node]]:
    """Run two nodes of one issuer on *store*."""
    with ExitStack() as stack:
        first = stack.enter_context(node_on(store, folder, options=MIGRATING, variables=IMPATIENT))
        options = (*UNLIMITED, "--issuer", first.url)
        second = node_on(store, folder, options=options, variables=IMPATIENT)
        yield [first, stack.enter_context(second)]


def assert_nothing_lost(nodes: list[Node], ledger: Ledger) -> None:
    """Check every promise, as each node sees the store."""
    for node in nodes:
        node.wait_until_ready()
        assert [] == findings_on(node.url, ledger, within=ANSWERED_SECONDS)
    assert [] == nodes[0].faults_of_log()
    assert 0 == ledger.total(Outcome.LOST) + ledger.total(Outcome.UNREACHED)


def test_nodes_that_know_both_servers_find_the_one_that_took_over(
    pair: Pair, tmp_path: Path
) -> None:
    """The store names both; nobody has to be at the keyboard for the nodes."""
    ledger, store = Ledger(), store_of(pair.primary.port, pair.standby.port)

    with two_nodes(store, tmp_path) as nodes:
        with load_on([node.url for node in nodes], ledger) as load:
            load.wait_for_acknowledged(SOME)
            pair.primary.kill()
            load.wait_for_refused(FEW)
            pair.standby.promote()
            load.wait_for_acknowledged(SOME)

        assert_nothing_lost(nodes, ledger)


def test_nodes_follow_an_address_that_moves(pair: Pair, tmp_path: Path) -> None:
    """Many sites move an address or a proxy, and nodes know but one place."""
    ledger = Ledger()

    with (
        proxy_to(("127.0.0.1", pair.primary.port)) as proxy,
        two_nodes(store_of(proxy.port), tmp_path) as nodes,
    ):
        with load_on([node.url for node in nodes], ledger) as load:
            load.wait_for_acknowledged(SOME)
            pair.primary.kill()
            load.wait_for_refused(FEW)
            pair.standby.promote()
            proxy.retarget(("127.0.0.1", pair.standby.port))
            load.wait_for_acknowledged(SOME)

        assert_nothing_lost(nodes, ledger)


def test_what_no_standby_has_is_not_acknowledged(pair: Pair, tmp_path: Path) -> None:
    """Commits that wait for a standby are told as done when somebody cancels their wait.

    The primary has them then, and takes them along when it dies.
    """
    ledger, store = Ledger(), store_of(pair.primary.port, pair.standby.port)

    with two_nodes(store, tmp_path) as nodes:
        with load_on([node.url for node in nodes], ledger) as load:
            load.wait_for_acknowledged(SOME)
            pair.standby.kill()
            load.wait_for_refused(FEW)
            before = ledger.acknowledged_writes
            wait_until(lambda: told_of_cancelled_waits(pair.primary, nodes))
            load.wait_for_refused(FEW)
            after = ledger.acknowledged_writes
            pair.primary.kill()
            pair.standby.start()
            pair.standby.promote()
            load.wait_for_acknowledged(SOME)

        assert before == after
        assert_nothing_lost(nodes, ledger)


def told_of_cancelled_waits(primary: Cluster, nodes: list[Node]) -> bool:
    """End every wait for a standby, as impatient operators do; tell whether a node was told.

    Some of those who wait have nobody left to tell: the node gave up before.
    """
    primary.sql(
        "select pg_cancel_backend(pid) from pg_stat_activity "
        "where wait_event = 'SyncRep' and application_name = 'registrary'"
    )
    return any("canceling wait" in node.log.read_text() for node in nodes)
