"""A store for commands to work on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registrary.testing.server import RunStores
from tests.unit.cli.kit import Office, an_office


@pytest.fixture(scope="session")
def first_office(tmp_path_factory: pytest.TempPathFactory, stores: RunStores) -> Office:
    """Make a store once: its RSA key takes a moment."""
    return an_office(tmp_path_factory.mktemp("office"), stores)


@pytest.fixture
def office(first_office: Office, tmp_path: Path, stores: RunStores) -> Iterator[Office]:
    """Return a copy of the store that a test may change."""
    folder = tmp_path / "office"
    stores.copy(first_office.folder, folder)
    yield Office(folder, stores)
    stores.drop(folder)
