"""The ledger agrees with a server that keeps its word, and tells of one that does not."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from registrary.testing.server import RunningServer, Stores, running_server
from tests.faults.ledger import Ledger, Offered, Outcome
from tests.faults.load import MIX, load_on
from tests.faults.outage import verdict_on
from tests.faults.verdict import findings_on


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[RunningServer]:
    """Run one server for all tests; each has a ledger of its own."""
    with running_server(
        tmp_path_factory.mktemp("ledger"), "--no-rate-limits", stores=stores
    ) as running:
        yield running


def test_it_agrees_with_a_server_that_keeps_its_word(server: RunningServer) -> None:
    """A tool that complains of what is in order would be switched off."""
    ledger = Ledger()

    with load_on([server.url], ledger) as load:
        load.wait_for_acknowledged(300)

    assert [] == findings_on(server.url, ledger)
    assert [] == verdict_on(server)["faults"]
    assert ledger.sent == ledger.total(Outcome.ACKNOWLEDGED) + ledger.total(Outcome.DENIED)
    assert ledger.total(Outcome.DENIED) > 0
    assert set(MIX) <= {operation for operation, _ in ledger.counts}


def lose_a_client(ledger: Ledger) -> None:
    """Claim a registration that never was."""
    ledger.clients.append(replace(ledger.clients[0], client_id="0" * 32))


def lose_an_update(ledger: Ledger) -> None:
    """Claim an update that never was."""
    kept = next(client for client in ledger.clients if client.deletion is None)
    kept.updated("another name", Outcome.ACKNOWLEDGED)


def lose_a_deletion(ledger: Ledger) -> None:
    """Claim a deletion that never was."""
    kept = next(client for client in ledger.clients if client.deletion is None)
    kept.deleted(Outcome.ACKNOWLEDGED)


def find_a_stranger(ledger: Ledger) -> None:
    """Forget a registration that was made."""
    ledger.clients.pop()


def use_a_token_twice(ledger: Ledger) -> None:
    """Claim that a token let two clients in."""
    ledger.offers.append(Offered("0" * 32, [Outcome.ACKNOWLEDGED]))


@pytest.mark.parametrize(
    "lie",
    [lose_a_client, lose_an_update, lose_a_deletion, find_a_stranger, use_a_token_twice],
    ids=lambda lie: lie.__name__,
)
def test_it_tells_of_what_is_not_as_acknowledged(
    server: RunningServer, lie: Callable[[Ledger], None]
) -> None:
    """A tool that finds nothing where there is something would prove anything."""
    ledger = Ledger()
    with load_on([server.url], ledger) as load:
        load.wait_for_acknowledged(30)

    lie(ledger)

    assert [] != findings_on(server.url, ledger)
