"""The servers, once for each worker, and the journeys every library makes to them.

A test module names its script in ``SCRIPT``.
"""

from collections.abc import Iterator

import pytest

from tests.interop.journeys import Journey, MakeTravel, Travel, Way, require_libraries
from tests.interop.mistakes import MISTAKES
from tests.interop.places import Place, open_place, protected_place, secure_place

pytest.register_assert_rewrite("tests.interop.guarantees")


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server with an open door."""
    with open_place(tmp_path_factory.mktemp("open")) as place:
        yield place


@pytest.fixture(scope="session")
def protected_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server whose door wants a token."""
    with protected_place(tmp_path_factory.mktemp("protected")) as place:
        yield place


@pytest.fixture(scope="session")
def secure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server as in production, on https."""
    with secure_place(tmp_path_factory.mktemp("secure")) as place:
        yield place


@pytest.fixture(scope="session")
def travel(request: pytest.FixtureRequest) -> MakeTravel:
    """Return a function that makes a library ready; its server starts when first needed."""
    require_libraries()

    def make(script: str, way: Way) -> Travel:
        return Travel(script, way, request.getfixturevalue(f"{way.place}_server"))

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
