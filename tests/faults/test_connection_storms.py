"""Hundreds of callers connect at once: each is answered, and those who come after them too."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from registrary.testing.postgres import Cluster
from tests.faults.databases import IMPATIENT, cluster_of, connections_of_nodes, store_of
from tests.faults.ledger import HANGING_SECONDS, Ledger
from tests.faults.load import a_document, load_on
from tests.faults.nodes import MIGRATING, Node, node_on
from tests.faults.outage import wait_until
from tests.faults.verdict import findings_on, stored_at, whole

pytestmark = pytest.mark.only_on("postgres", because="it starts its own")

STORM = 400  # connections at once
WAVES = 3
POOL = 4
SOME = 40


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Run a database."""
    with cluster_of() as running:
        yield running


async def registered(node: Node, name: str) -> tuple[int, bool]:
    """Register on a connection of its own; return the status and whether it says to come again."""
    body = json.dumps(a_document(name)).encode()
    head = (
        f"POST /register HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    try:
        writer.write(head.encode() + body)
        answer = await reader.read()
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]), b"\r\nretry-after: " in answer.lower()


async def storm(node: Node) -> Counter[tuple[int, bool]]:
    """Let everybody come at once; return how they were answered."""
    async with asyncio.timeout(HANGING_SECONDS):
        coming = (registered(node, f"storm-{number}") for number in range(STORM))
        return Counter(await asyncio.gather(*coming))


def test_a_storm_is_answered_and_passes(cluster: Cluster, tmp_path: Path) -> None:
    """After an outage everybody comes back in the same second."""
    variables = IMPATIENT | {"REGISTRARY_POSTGRES__CONNECTIONS": str(POOL)}
    answers: Counter[tuple[int, bool]] = Counter()
    with node_on(store_of(cluster.port), tmp_path, options=MIGRATING, variables=variables) as node:
        files = node.open_files()
        for _ in range(WAVES):
            answers += asyncio.run(storm(node))
        during = connections_of_nodes(cluster)
        ledger = Ledger()
        with load_on([node.url], ledger) as load:
            load.wait_for_acknowledged(SOME)

        assert {(201, False), (503, True)} >= set(answers)
        assert WAVES * STORM == answers.total()
        assert during <= POOL + 2
        assert [] == whole(stored_at(node.url))
        assert [] == findings_on(node.url, ledger)
        wait_until(lambda: node.open_files() <= files + POOL + 2)
