"""The servers, once for each worker, and the journeys every library makes to them.

A test module names its script in ``SCRIPT``.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from registrary.testing.server import Stores
from tests.interop.helper import at_hand
from tests.interop.journeys import Journey, MakeTravel, Travel, Way, require_libraries
from tests.interop.mcp_place import mcp_place
from tests.interop.mistakes import MISTAKES
from tests.interop.people import Browser
from tests.interop.places import (
    RESOURCE,
    Place,
    dynamic_place,
    open_place,
    protected_place,
    secure_place,
)
from tests.interop.signing_in import (
    DEVICE_WAYS,
    EXCHANGE_WAY,
    PERSON_WAYS,
    McpSignIn,
    McpWay,
    PersonWay,
    SignIn,
)

pytest.register_assert_rewrite(
    "tests.interop.guarantees",
    "tests.interop.person_guarantees",
    "tests.interop.errand_guarantees",
)


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[Place]:
    """Run a server with an open door."""
    with open_place(tmp_path_factory.mktemp("open"), stores) as place:
        yield place


@pytest.fixture(scope="session")
def protected_server(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[Place]:
    """Run a server whose door wants a token."""
    with protected_place(tmp_path_factory.mktemp("protected"), stores) as place:
        yield place


@pytest.fixture(scope="session")
def dynamic_server(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[Place]:
    """Run a server that offers every flow of OpenID Connect."""
    with dynamic_place(tmp_path_factory.mktemp("dynamic"), stores) as place:
        yield place


@pytest.fixture(scope="session")
def secure_server(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[Place]:
    """Run a server as in production, on https."""
    with secure_place(tmp_path_factory.mktemp("secure"), stores) as place:
        yield place


@pytest.fixture(scope="session")
def travel(request: pytest.FixtureRequest, stores: Stores) -> MakeTravel:
    """Return a function that makes a library ready; its server starts when first needed."""
    del stores  # named for the fixtures below, which are asked for later
    require_libraries()

    def make(script: str, way: Way) -> Travel:
        return Travel(script, way, request.getfixturevalue(f"{way.place}_server"))

    return make


@pytest.fixture(scope="session")
def sign_in(travel: MakeTravel) -> SignIn:
    """Return a function that makes a journey on which a person signs in, with a new browser."""

    def make(script: str, way: PersonWay, journey: str, **more: Any) -> Journey:
        trip = travel(script, way)
        place = trip.place
        browser = Browser([place.issuer], person=place.person, tls=place.server.tls)
        with at_hand(browser) as person:
            return trip.go(journey, person=person, **more)

    return make


@pytest.fixture(scope="session")
def mcp_server(open_server: Place) -> Iterator[str]:
    """Run an MCP server that wants tokens of the open server; return its address."""
    with mcp_place(open_server) as url:
        yield url


@pytest.fixture(scope="session")
def mcp_sign_in(travel: MakeTravel, mcp_server: str) -> McpSignIn:
    """Return a function that calls a tool by an SDK, with a new browser."""

    def make(script: str) -> Journey:
        trip = travel(script, McpWay(script))
        with at_hand(Browser([trip.place.issuer])) as person:
            return trip.go("tool", person=person, mcp=mcp_server)

    return make


@pytest.fixture(scope="module")
def door(request: pytest.FixtureRequest, travel: MakeTravel) -> Journey:
    """Try a protected door, with and without the right token."""
    return travel(request.module.SCRIPT, Way("door", place="protected")).go("door")


@pytest.fixture(scope="module")
def refusals(request: pytest.FixtureRequest, travel: MakeTravel) -> Journey:
    """Make the mistakes that clients make."""
    mistakes = {mistake.name: mistake.members for mistake in MISTAKES}
    return travel(request.module.SCRIPT, Way("refusals")).go("refusals", mistakes=mistakes)


@pytest.fixture(scope="module")
def distrust(request: pytest.FixtureRequest, travel: MakeTravel) -> Journey:
    """Go to an https server without knowing who vouches for it."""
    way = Way("distrust", place="secure")
    return travel(request.module.SCRIPT, way).go("life", trusting=False)


@pytest.fixture(scope="module", params=PERSON_WAYS, ids=lambda way: way.name)
def consented(request: pytest.FixtureRequest, sign_in: SignIn) -> Journey:
    """Go from a person's consent to its end, on each way."""
    return sign_in(request.module.SCRIPT, request.param, "code")


@pytest.fixture(scope="module")
def denied(request: pytest.FixtureRequest, sign_in: SignIn) -> Journey:
    """Meet a person who does not want to."""
    return sign_in(request.module.SCRIPT, PERSON_WAYS[0], "denial")


@pytest.fixture(scope="module", params=DEVICE_WAYS, ids=lambda way: way.name)
def shown(request: pytest.FixtureRequest, sign_in: SignIn) -> Journey:
    """Show a code on a device whose owner has a browser elsewhere."""
    return sign_in(request.module.SCRIPT, request.param, "device")


@pytest.fixture(scope="module")
def exchanged(request: pytest.FixtureRequest, sign_in: SignIn) -> Journey:
    """Exchange a person's token for one that may do less."""
    wanted = {"resource": RESOURCE, "scope": "read"}
    return sign_in(request.module.SCRIPT, EXCHANGE_WAY, "exchange", wanted=wanted)


@pytest.fixture(scope="module")
def left(request: pytest.FixtureRequest, sign_in: SignIn) -> Journey:
    """Sign out at the client, and so at the server."""
    return sign_in(request.module.SCRIPT, PersonWay("leave"), "leave")
