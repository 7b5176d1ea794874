"""Every back-end gives all of a store as the same rows, and takes rows from any other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from registrary.audit.record import event_id_octets
from registrary.core.changes import NO_LIMIT, Changes, Consume
from registrary.core.entropy import Draw
from registrary.core.ids import new_event_id
from registrary.ports.audit_log import Sequencing, Tile
from registrary.ports.store import StoreUnavailable
from registrary.ports.transfer import EVENTS, LOGS, Archive, Row, Snapshot
from registrary.storage.postgres import PostgresOptions, migrate_postgres, open_postgres
from registrary.storage.postgres.transfer import PostgresArchive
from registrary.storage.sqlite import open_sqlite
from registrary.storage.sqlite.transfer import SqliteArchive
from registrary.testing.backend_contract import (
    ONE_OF_EACH_KIND,
    OTHER_ISSUER_ID,
    LoggingStore,
    put_new,
)
from registrary.testing.factories import ISSUER_ID, a_client, an_event
from registrary.testing.postgres import Cluster
from registrary.wiring.carrying.export_file import SECTIONS

Content = dict[str, list[Row]]
TEMPLATE = "migrated"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Run a server with a migrated database to copy."""
    with Cluster.running() as cluster:
        cluster.sql(f"create database {TEMPLATE} template template0")
        asyncio.run(migrate_postgres(cluster.url(TEMPLATE)))
        yield cluster


class Backend:
    """An empty store of one kind, as often as one is wanted."""

    def __init__(
        self, archive: Callable[[], Archive], store: Callable[[], Awaitable[LoggingStore]]
    ) -> None:
        self.archive = archive
        self.store = store


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    """Close everything that a test opened."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def make_sqlite(tmp_path: Path, opened: AsyncExitStack) -> Callable[[], Awaitable[Backend]]:
    """Return what makes an empty store in a file."""
    made = iter(range(99))

    async def make() -> Backend:
        path = tmp_path / f"{next(made)}.db"

        async def store() -> LoggingStore:
            return open_sqlite(path)

        await (await store()).close()
        archive = SqliteArchive(path)
        opened.push_async_callback(archive.close)
        return Backend(lambda: archive, store)

    return make


@pytest.fixture
def make_postgres(cluster: Cluster, opened: AsyncExitStack) -> Callable[[], Awaitable[Backend]]:
    """Return what makes an empty store in a database."""

    async def make() -> Backend:
        url = opened.enter_context(cluster.database(template=TEMPLATE))
        options = PostgresOptions(connections=2)

        async def store() -> LoggingStore:
            return await open_postgres(url, options=options)

        archive = PostgresArchive(url, options)
        opened.push_async_callback(archive.close)
        return Backend(lambda: archive, store)

    return make


@pytest.fixture(params=["sqlite", "postgres"])
def make(request: pytest.FixtureRequest) -> Callable[[], Awaitable[Backend]]:
    """Return what makes an empty store of either kind."""
    made: Callable[[], Awaitable[Backend]] = request.getfixturevalue(f"make_{request.param}")
    return made


async def fill(store: LoggingStore) -> None:
    """Commit a record of each kind, counters, and events of two issuers, some of which wait."""
    await store.commit(put_new(*ONE_OF_EACH_KIND))
    for issuer in (OTHER_ISSUER_ID, ISSUER_ID):
        count = Consume(issuer, "registrations", NO_LIMIT, 3)
        for number in range(5):
            client = a_client(issuer=issuer)
            event = an_event(issuer=issuer, client_id=client.client_id if number else None)
            await store.commit(
                Changes(puts=put_new(client).puts, events=(event,), consumptions=(count,))
            )
    for issuer, size in ((ISSUER_ID, 3), (OTHER_ISSUER_ID, 5)):
        due = await store.waiting(issuer, limit=size)
        ids = tuple(entry.event_id for entry in due)
        tiles = (Tile(0, 0, bytes(range(32)) * size), Tile(1, 0, bytes(32)))
        await store.sequence(Sequencing(issuer, 0, ids, tiles, f"note\n{size}\n"))
    await store.close()


async def content_of(snapshot: Snapshot) -> Content:
    """Return every row of every section."""
    return {
        section: [row async for page in snapshot.rows(section) for row in page]
        for section in SECTIONS
    }


async def rows_in(archive: Archive) -> Content:
    """Return every row of a store as it is now."""
    async with archive.snapshot() as snapshot:
        return await content_of(snapshot)


async def pour(content: Content, archive: Archive) -> None:
    """Write every row into a store."""
    for section in SECTIONS:
        if content[section]:
            await archive.insert(section, content[section])


@pytest.mark.anyio
async def test_rows_are_the_same_everywhere(make, make_sqlite, make_postgres):
    """A store that goes from one database to another and back is the one it was."""
    first = await make()
    await fill(await first.store())
    content = await rows_in(first.archive())

    for make_next in (make_postgres, make_sqlite, make_postgres):
        there = await make_next()
        await pour(content, there.archive())

        assert content == await rows_in(there.archive())


@pytest.mark.anyio
async def test_every_section_has_rows(make):
    """A test of nothing would pass with everything forgotten."""
    backend = await make()
    await fill(await backend.store())

    content = await rows_in(backend.archive())

    assert [] == [section for section, rows in content.items() if not rows]
    assert [(ISSUER_ID, 3), (OTHER_ISSUER_ID, 5)] == content[LOGS]
    assert [(issuer, place) for issuer in (ISSUER_ID, OTHER_ISSUER_ID) for place in range(5)] == [
        row[:2] for row in content[EVENTS]
    ]


@pytest.mark.anyio
async def test_sections_are_counted(make):
    """Whoever waits is shown how much is left."""
    backend = await make()
    await fill(await backend.store())

    async with backend.archive().snapshot() as snapshot:
        counts = {section: await snapshot.count(section) for section in SECTIONS}
        content = await content_of(snapshot)

    assert {section: len(rows) for section, rows in content.items()} == counts


@pytest.mark.anyio
async def test_rows_come_in_order(make):
    """Two stores that hold the same say the same, whatever sorts below them."""
    backend = await make()
    store = await backend.store()
    issuers = ["a", "B", "é", "Z", "ß", "🐘", "-", "a b"]
    await store.commit(put_new(*(a_client(issuer=issuer) for issuer in issuers)))
    await store.close()

    content = await rows_in(backend.archive())

    assert sorted(issuers, key=str.encode) == [row[0] for row in content["client"]]


@pytest.mark.anyio
async def test_rows_that_are_there_stay_as_they_are(make):
    """An import that is begun again writes what is missing and nothing else."""
    first, second = await make(), await make()
    await fill(await first.store())
    content = await rows_in(first.archive())
    for section in SECTIONS:
        await second.archive().insert(section, content[section][:1])

    await pour(content, second.archive())
    await pour(content, second.archive())

    assert content == await rows_in(second.archive())


@pytest.mark.anyio
async def test_many_rows_come_whole(make):
    """Pages end somewhere, and nothing falls between two."""
    backend = await make()
    store = await backend.store()
    clients = [a_client() for _ in range(2001)]
    events = tuple(an_event() for _ in range(2001))
    await store.commit(Changes(puts=put_new(*clients).puts, events=events))
    await store.close()

    content = await rows_in(backend.archive())

    assert sorted(client.key for client in clients) == [row[1] for row in content["client"]]
    assert list(range(2001)) == [row[1] for row in content[EVENTS]]


@pytest.mark.anyio
async def test_a_poured_store_goes_on(make, make_sqlite):
    """What waits is sequenced next, in its order, and new events come behind."""
    first, second = await make_sqlite(), await make()
    await fill(await first.store())
    await pour(await rows_in(first.archive()), second.archive())
    store, original = await second.store(), await first.store()
    event = an_event()

    await store.commit(Changes(events=(event,)))

    waiting = [entry.event_id for entry in await store.waiting(ISSUER_ID, limit=9)]
    before = [entry.event_id for entry in await original.waiting(ISSUER_ID, limit=9)]
    assert [*before, event.id] == waiting
    assert 3 == await store.log_size(ISSUER_ID)
    await store.close()
    await original.close()


@pytest.mark.anyio
async def test_a_snapshot_sees_one_moment(make):
    """What is registered while an export runs is in all of it or in none."""
    backend = await make()
    await fill(await backend.store())
    store = await backend.store()

    async with backend.archive().snapshot() as snapshot:
        before = await snapshot.count("client")
        await store.commit(Changes(puts=put_new(a_client()).puts, events=(an_event(),)))
        content = await content_of(snapshot)
    await store.close()

    assert before == len(content["client"])
    assert 10 == len(content[EVENTS])
    assert before + 1 == len((await rows_in(backend.archive()))["client"])


@pytest.mark.anyio
async def test_a_store_at_rest_is_written_by_nobody(make):
    """What is registered after the move began would be lost."""
    backend = await make()
    await fill(await backend.store())

    async with backend.archive().at_rest() as snapshot:
        before = await content_of(snapshot)
        writing = asyncio.create_task(register(backend))
        with pytest.raises((TimeoutError, StoreUnavailable)):
            await asyncio.wait_for(asyncio.shield(writing), 0.3)
        content = await content_of(snapshot)
    await asyncio.wait([writing])

    assert before == content


async def register(backend: Backend) -> None:
    """Start a server, as it were, and write to it."""
    store = await backend.store()
    try:
        await store.commit(put_new(a_client()))
    finally:
        await store.close()


@pytest.mark.anyio
async def test_a_store_in_use_is_not_at_rest(make):
    """Somebody has to stop the server first, and is told so."""
    backend = await make()
    store = await backend.store()
    await store.commit(put_new(a_client()))

    with pytest.raises(StoreUnavailable, match="stop"):
        async with backend.archive().at_rest():
            pass

    await store.close()


@pytest.mark.anyio
async def test_a_mark_stays_until_it_is_lifted(make):
    """A machine that went down in the middle leaves a store that says so."""
    backend = await make()
    marks = [await backend.archive().mark()]

    for mark in (2**59, None):
        await backend.archive().set_mark(mark)
        marks.append(await backend.archive().mark())

    assert [None, 2**59, None] == marks
    assert [] == (await rows_in(backend.archive()))["counter"]


@pytest.mark.anyio
@pytest.mark.parametrize("used", [-1, 2**70], ids=["negative", "too-large"])
async def test_a_row_that_fits_no_table_is_told(make, used):
    """An export made by hand is refused in words."""
    backend = await make()

    with pytest.raises(StoreUnavailable, match="a row of counter"):
        await backend.archive().insert("counter", [("issuer", "name", used)])


@pytest.mark.anyio
async def test_old_events_get_partitions_of_their_own(make_postgres, cluster):
    """A log of years that is moved is kept by months, as if it had grown there."""
    backend = await make_postgres()
    old = datetime(2019, 2, 3, tzinfo=UTC)
    ids = [event_id_octets(new_event_id(old, Draw(bytes(10)))), b"\xff" * 16]
    rows: list[Row] = [
        (ISSUER_ID, place, event_id, 1, None, None, None, bytes(32))
        for place, event_id in enumerate(ids)
    ]
    await backend.archive().insert(LOGS, [(ISSUER_ID, 2)])

    await backend.archive().insert(EVENTS, rows)

    database = backend.archive().name.rpartition("/")[2]
    names = (
        "select part.relname from registrary.event join pg_class as part "
        "on event.tableoid = part.oid order by event_id"
    )
    assert ["event_2019_02", "event_otherwise"] == cluster.sql(
        names, database=database
    ).splitlines()
    assert rows == (await rows_in(backend.archive()))[EVENTS]


@pytest.mark.anyio
async def test_the_role_of_a_server_suffices(make_sqlite, cluster, opened):
    """Who moves a store need not be who owns the tables."""
    first = await make_sqlite()
    await fill(await first.store())
    content = await rows_in(first.archive())
    cluster.sql("create role server login")
    url = opened.enter_context(cluster.database(template=TEMPLATE))
    await migrate_postgres(url, application_role="server")
    database = url.rpartition("/")[2]
    archive = PostgresArchive(cluster.url(database, user="server"), PostgresOptions())
    opened.push_async_callback(archive.close)

    await archive.set_mark(1)
    await pour(content, archive)
    await archive.set_mark(None)

    async with archive.at_rest() as snapshot:
        assert content == await content_of(snapshot)
    assert await archive.mark() is None
