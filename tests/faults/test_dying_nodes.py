"""A node dies under load: the others go on, and what it had acknowledged is there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registrary.testing.postgres import Cluster
from tests.faults.databases import ANSWERED_SECONDS, IMPATIENT, cluster_of, store_of
from tests.faults.ledger import Ledger, Outcome
from tests.faults.load import load_on
from tests.faults.nodes import MIGRATING, UNLIMITED, node_on
from tests.faults.outage import wait_until
from tests.faults.verdict import findings_on, listed

pytestmark = pytest.mark.only_on("postgres", because="it starts its own")

SOME = 60  # acknowledged writes that show that all is well
TURNS = 2


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Run a database."""
    with cluster_of() as running:
        yield running


def test_nodes_that_are_killed_take_nothing_along(cluster: Cluster, tmp_path: Path) -> None:
    """Machines vanish. The other node goes on alone, and leads what one has to lead."""
    ledger, store = Ledger(), store_of(cluster.port)

    with node_on(store, tmp_path, options=MIGRATING, variables=IMPATIENT) as first:
        options = (*UNLIMITED, "--issuer", first.url)
        with node_on(store, tmp_path, options=options, variables=IMPATIENT) as second:
            with load_on([first.url, second.url], ledger) as load:
                for turn in range(TURNS):
                    load.wait_for_acknowledged(SOME)
                    victim = (first, second)[turn % 2]
                    victim.kill()
                    load.wait_for_acknowledged(SOME)
                    victim.start()

            assert [] == findings_on(second.url, ledger, within=ANSWERED_SECONDS)
            wait_until(
                lambda: all(
                    item["index"] is not None for item in listed(second.url, "audit/events")
                )
            )
            assert [] == second.faults_of_log()

    assert 0 == ledger.total(Outcome.REFUSED)
    assert ledger.total(Outcome.LOST) + ledger.total(Outcome.UNREACHED) > 0
