"""What the tests of the edge stand on."""

from typing import Any

import pytest


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:  # Any: as anyio has it
    """Run asynchronous tests on uvloop, the loop the server runs on."""
    return "asyncio", {"use_uvloop": True}
