"""Fixtures every test may use."""

import hypothesis
import pytest

# A busy machine is slow now and then; how long one example takes proves nothing.
hypothesis.settings.register_profile("suite", deadline=None, print_blob=True)
hypothesis.settings.load_profile("suite")


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, the loop the server runs on."""
    return "asyncio"
