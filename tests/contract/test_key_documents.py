"""A key document in PostgreSQL is replaced by one at a time, and read by everybody."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from registrary.keys.encryption import EncryptionKey
from registrary.keys.stored import SealedKeys
from registrary.ports.store import Conflict
from registrary.storage.postgres import PostgresStore, open_postgres
from registrary.testing.stores import SERVER, TEMPLATE, PostgresStores, postgres_stores
from tests.conftest import folder_of_run

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresStores]:
    """Join the server that all tests of this run share."""
    with postgres_stores(folder_of_run(tmp_path_factory)) as databases:
        yield databases


@pytest.fixture
def url(databases: PostgresStores) -> Iterator[str]:
    """Return where an empty store is, as servers reach it."""
    with databases.cluster.database(template=TEMPLATE) as url:
        yield databases.cluster.url(url.rpartition("/")[2], user=SERVER)


@pytest.fixture
async def both(url: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Open the same store twice, as two nodes do."""
    one, other = await open_postgres(url), await open_postgres(url)
    yield one, other
    await one.close()
    await other.close()


async def test_what_one_node_keeps_another_reads(both):
    """All nodes work with the same keys."""
    one, other = both
    before = await other.key_document()

    await one.replace_key_document(b"\x00first", expected=None)
    first = await other.key_document()
    await other.replace_key_document(b"second", expected=1)

    assert None is before
    assert (1, b"\x00first") == first
    assert (2, b"second") == await one.key_document()


@pytest.mark.parametrize("expected", [None, 2, 0])
async def test_who_did_not_see_the_last_change_is_told(both, expected):
    """A rotation over another would lose the key that was added, and all that it made."""
    one, other = both
    await one.replace_key_document(b"first", expected=None)

    with pytest.raises(Conflict):
        await other.replace_key_document(b"second", expected=expected)

    assert (1, b"first") == await one.key_document()


async def test_nodes_that_begin_at_once_have_one_set_of_keys(both):
    """Which of them made it is of no concern to anybody."""
    key = EncryptionKey(bytes(range(32)))

    opened = await asyncio.gather(
        *[SealedKeys(store, (key,)).open(create=True) for store in (*both, *both)]
    )

    assert 1 == len({keys.peppers().newest for keys in opened})


async def test_rotations_at_once_lose_nothing(both):
    """Each of two commands adds its pepper."""
    key = EncryptionKey(bytes(range(32)))
    one, other = [await SealedKeys(store, (key,)).open(create=True) for store in both]

    await asyncio.gather(one.rotate_pepper(), other.rotate_pepper(), one.rotate_pepper())
    await asyncio.gather(one.follow(), other.follow())

    assert ["PepperRing(4 peppers"] * 2 == [
        repr(keys.peppers()).partition(",")[0] for keys in (one, other)
    ]
