"""oauth4webapi, whatever it has an API for by that API.

It has none for RFC 7592: its ``protectedResourceRequest`` reads, updates and deletes the
registration. The token in the path is in the ``registration_endpoint`` of the metadata it is given.
``validateJwtAccessToken`` is the resource server.
"""

import pytest

from tests.interop.guarantees import LibraryGuarantees
from tests.interop.journeys import WAYS, Journey, MakeTravel

SCRIPT = "oauth4webapi.mjs"


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: way.name)
def life(request: pytest.FixtureRequest, travel: MakeTravel) -> Journey:
    """Go from discovery past deletion, on each way."""
    return travel(SCRIPT, request.param).go("life")


class TestOauth4webapi(LibraryGuarantees):
    pass
