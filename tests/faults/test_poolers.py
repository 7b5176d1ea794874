"""A pooler in transaction mode between nodes and database dies and returns, under load."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registrary.testing.postgres import Cluster
from tests.faults.bouncer import Bouncer, bouncer_before
from tests.faults.databases import ANSWERED_SECONDS, IMPATIENT, cluster_of, store_of
from tests.faults.ledger import Ledger, Outcome
from tests.faults.load import load_on
from tests.faults.nodes import MIGRATING, node_on
from tests.faults.verdict import findings_on

pytestmark = pytest.mark.only_on("postgres", because="it starts its own")

SOME = 40  # acknowledged writes that show that all is well
FEW = 6  # refusals that show that it is not
POOLED = IMPATIENT | {"REGISTRARY_POSTGRES__POOLED": "true"}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Run a database."""
    with cluster_of() as running:
        yield running


@pytest.fixture
def bouncer(cluster: Cluster) -> Iterator[Bouncer]:
    """Run a pooler before it."""
    with bouncer_before(cluster) as running:
        yield running


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "polling"])
def test_a_pooler_that_restarts_is_waited_for(
    cluster: Cluster, bouncer: Bouncer, tmp_path: Path, *, is_direct: bool
) -> None:
    """It is one more part that can fail, and one more that nodes have to get over."""
    ledger = Ledger()
    direct = {"REGISTRARY_POSTGRES__DIRECT": store_of(cluster.port)} if is_direct else {}
    store = store_of(bouncer.port)

    with node_on(store, tmp_path, options=MIGRATING, variables=POOLED | direct) as node:
        with load_on([node.url], ledger) as load:
            load.wait_for_acknowledged(SOME)
            bouncer.kill()
            load.wait_for_refused(FEW)
            bouncer.start()
            load.wait_for_acknowledged(SOME)
            cluster.restart()
            load.wait_for_acknowledged(SOME)
        node.wait_until_ready()

        assert [] == findings_on(node.url, ledger, within=ANSWERED_SECONDS)
        assert [] == node.faults_of_log()

    assert 0 == ledger.total(Outcome.LOST) + ledger.total(Outcome.UNREACHED)
