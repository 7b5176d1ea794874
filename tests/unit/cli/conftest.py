"""A store for commands to work on."""

import shutil
from pathlib import Path

import pytest

from tests.unit.cli.kit import Office, an_office


@pytest.fixture(scope="session")
def first_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Make a store once: its RSA key takes a moment."""
    return an_office(tmp_path_factory.mktemp("office"))


@pytest.fixture
def office(first_office: Office, tmp_path: Path) -> Office:
    """Return a copy of the store that a test may change."""
    shutil.copytree(first_office.folder, tmp_path / "office")
    return Office(tmp_path / "office")
