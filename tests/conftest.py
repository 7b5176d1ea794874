"""Fixtures every test may use."""

import os

import hypothesis
import pytest

# The contracts are tests that live in the package; their assertions shall speak as ours do. Here,
# because any other conftest may import the package first.
pytest.register_assert_rewrite("registrary.testing")

# A busy machine is slow now and then; how long one example takes proves nothing.
hypothesis.settings.register_profile("suite", deadline=None, print_blob=True)
# Where there is time: HYPOTHESIS_PROFILE=thorough looks thirty times longer.
hypothesis.settings.register_profile(
    "thorough", parent=hypothesis.settings.get_profile("suite"), max_examples=3000
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, the loop the server runs on."""
    return "asyncio"
