"""The admin API of an issuer in memory."""

import pytest

from tests.unit.protocol.admin.kit import Office


@pytest.fixture
async def office() -> Office:
    """Open the admin API of a new issuer."""
    return await Office().open()
