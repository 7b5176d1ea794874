"""openid-client, whatever it has an API for by that API.

It has none for RFC 7592: its ``fetchProtectedResource`` reads, updates and deletes the
registration. It has none for a token in the path of the registration endpoint: its ``customFetch``
puts it there. It has none for resource servers: jose, on which it is built, verifies the token.
"""

import pytest

from tests.interop.guarantees import LibraryGuarantees
from tests.interop.journeys import WAYS, Journey, MakeTravel, Way

SCRIPT = "openid_client.mjs"


@pytest.fixture(
    scope="module", params=[*WAYS, Way("no method chosen", None)], ids=lambda way: way.name
)
def life(request: pytest.FixtureRequest, travel: MakeTravel) -> Journey:
    """Go from discovery past deletion, on each way."""
    return travel(SCRIPT, request.param).go("life")


class TestOpenidClient(LibraryGuarantees):
    pass
