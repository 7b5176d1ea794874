"""A real server for the tests of this folder, and a client that speaks to it."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from registrary.testing.server import RunningServer, Stores, running_server
from tests.protocol.people import Browser
from tests.protocol.wire import Wire, connected

Register = Callable[..., httpx2.Response]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[RunningServer]:
    """Run one development server for all tests of this worker."""
    with running_server(tmp_path_factory.mktemp("server"), stores=stores) as running:
        yield running


@pytest.fixture(scope="session")
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    """Return a client whose addresses are below the issuer."""
    with httpx2.Client(base_url=server.url, trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
def wire(server: RunningServer) -> Iterator[Wire]:
    """Return a connection to the server, to write bytes on."""
    with connected(server.url) as line:
        yield line


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[RunningServer]:
    """Run a server whose deadlines a test can wait for."""
    folder = tmp_path_factory.mktemp("hasty")
    config = folder / "registrary.toml"
    config.write_text("[http]\nheader_seconds = 1\nbody_seconds = 1\nidle_seconds = 1\n")
    with running_server(folder, "--config", str(config), stores=stores) as running:
        yield running


@pytest.fixture
def register(http: httpx2.Client) -> Register:
    """Return a function that registers a client with the given members."""

    def send(**members: Any) -> httpx2.Response:  # Any: metadata values are JSON
        document = {"redirect_uris": ["https://app.example/cb"]} | members
        return http.post("/register", json=document)

    return send


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory, stores: Stores) -> Iterator[RunningServer]:
    """Run a development server for certification."""
    folder = tmp_path_factory.mktemp("certified")
    config = folder / "registrary.toml"
    config.write_text('[registration]\nrule_set = "oidf-dynamic"\n')
    with running_server(folder, "--config", str(config), stores=stores) as running:
        yield running


@pytest.fixture(scope="module")
def line(certified: RunningServer) -> Iterator[httpx2.Client]:
    """Return a client whose addresses are below the issuer for certification."""
    with httpx2.Client(base_url=certified.url, trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture
def browser(certified: RunningServer) -> Iterator[Browser]:
    """Return a browser that was never at the issuer for certification."""
    with Browser(certified.url) as browser:
        yield browser
