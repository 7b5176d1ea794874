"""Where applications of this folder keep their records."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registrary.testing.server import RunStores


@pytest.fixture
def place(stores: RunStores, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a new store; it is there once for each database."""
    yield stores.at(tmp_path)
    stores.drop(tmp_path)
