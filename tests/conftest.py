"""Fixtures every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path

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

from registrary.testing.server import SQLITE, RunStores  # noqa: E402 - see above
from registrary.testing.stores import PostgresStores, postgres_stores  # noqa: E402 - see above

STORES = ("sqlite", "postgres")
"""The databases that everything is tested on which keeps records in one."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run be of one database: ``pytest --stores sqlite``."""
    parser.addoption(
        "--stores",
        default=",".join(STORES),
        metavar="NAMES",
        help=f"run the tests of stores on these databases ({', '.join(STORES)})",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse databases that nobody knows, on which nothing would be tested."""
    if unknown := set(config.getoption("--stores").split(",")) - set(STORES):
        raise pytest.UsageError(f"--stores: there is no {', '.join(sorted(unknown))}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run whatever asks for `stores` once on each of them, or on the one that it is about."""
    if "stores" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("only_on")
        names = [only.args[0]] if only else STORES
        metafunc.parametrize("stores", names, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs on a database that was not chosen."""
    chosen = config.getoption("--stores").split(",")
    left = [item for item in items if store_of(item) not in chosen]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if store_of(item) in chosen]


def store_of(item: pytest.Item) -> str:
    """Return the database that a test runs on; SQLite for one that needs none in particular."""
    call, only = getattr(item, "callspec", None), item.get_closest_marker("only_on")
    own: str = only.args[0] if only else STORES[0]
    name: str = call.params.get("stores", own) if call else own
    return name


@pytest.fixture(scope="session")
def stores(request: pytest.FixtureRequest) -> RunStores:
    """Return where servers keep their records; whoever asks runs once on each database."""
    if request.param == "sqlite":
        return SQLITE
    databases: PostgresStores = request.getfixturevalue("databases")
    return databases


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresStores]:
    """Join the PostgreSQL that all processes of this run share, and that ends with them."""
    with postgres_stores(folder_of_run(tmp_path_factory)) as databases:
        yield databases


def folder_of_run(factory: pytest.TempPathFactory) -> Path:
    """Return the temporary folder that all workers of this run have in common."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, the loop the server runs on."""
    return "asyncio"
