"""Nothing hangs beyond its deadline, and the store is back once the database is."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.ports.store import StoreUnavailable
from registrary.storage.postgres import (
    PostgresOptions,
    PostgresStore,
    migrate_postgres,
    open_postgres,
)
from registrary.testing.factories import ISSUER_ID, a_client
from registrary.testing.postgres import FAST, Cluster
from tests.faults.proxy import Network, Proxy, proxy_to

pytestmark = pytest.mark.anyio

HASTY = PostgresOptions(connections=3, connect_seconds=2, read_seconds=0.5, commit_seconds=0.5)
GUARD_SECONDS = 30  # long after every deadline here
CUTS = [Network.BLACK_HOLE, Network.MUTE, Network.RESET, Network.REFUSED, Network.TORN]


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    """Run what the network between store and database can be cut with."""
    with proxy_to(("127.0.0.1", cluster.port)) as proxy:
        yield proxy


@pytest.fixture
async def distant(url: str, cluster: Cluster, proxy: Proxy) -> AsyncIterator[PostgresStore]:
    """Open a store behind the proxy, with a client in it."""
    store = await open_postgres(url.replace(f":{cluster.port}/", f":{proxy.port}/"), options=HASTY)
    await store.commit(Changes(puts=(Put(a_client(client_id="c")),)))
    yield store
    await store.close()


async def service_returns(store: PostgresStore) -> None:
    """Return once a read and a write succeed."""
    async with asyncio.timeout(GUARD_SECONDS):
        while True:
            try:
                assert await store.get(Client, ISSUER_ID, "c") is not None
                await store.commit(Changes(puts=(Put(a_client()),)))
            except StoreUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


@pytest.mark.parametrize("network", CUTS, ids=lambda network: network.value)
async def test_a_read_ends_in_time_and_service_returns(distant, proxy, network):
    """A client that asks is told 503 and may come again; nobody restarts the server."""
    proxy.become(network)
    async with asyncio.timeout(GUARD_SECONDS):
        with pytest.raises(StoreUnavailable):
            await distant.get(Client, ISSUER_ID, "c")

    proxy.become(Network.WHOLE)

    await service_returns(distant)


@pytest.mark.parametrize("network", CUTS, ids=lambda network: network.value)
async def test_writes_end_in_time_and_service_returns(distant, proxy, network):
    """Those who wait behind a write that hangs are told no later than that one."""
    proxy.become(network)
    async with asyncio.timeout(GUARD_SECONDS):
        outcomes = await asyncio.gather(
            *(distant.commit(Changes(puts=(Put(a_client()),))) for _ in range(20)),
            return_exceptions=True,
        )
    assert {StoreUnavailable} == {type(outcome) for outcome in outcomes}

    proxy.become(Network.WHOLE)

    await service_returns(distant)


async def test_a_write_of_which_no_answer_came_is_in_doubt_and_done_once(distant, proxy, store):
    """A write must not be repeated behind the back of somebody who was told to come again."""
    proxy.become(Network.MUTE)
    with pytest.raises(StoreUnavailable):
        await distant.commit(Changes(puts=(Put(a_client(client_id="silent")),)))

    proxy.become(Network.WHOLE)
    await service_returns(distant)

    kept = await store.get(Client, ISSUER_ID, "silent")
    assert kept is None or kept.revision == 1


async def test_a_read_does_not_notice_that_connections_were_lost(distant, proxy):
    """A server that was restarted, or a router that forgot, costs nobody an answer."""
    proxy.become(Network.RESET)
    proxy.become(Network.WHOLE)

    assert await distant.get(Client, ISSUER_ID, "c") is not None


async def test_a_server_that_swallows_everything_does_not_hide_the_next(url, cluster, proxy):
    """After a failover the old address is often a hole in the network."""
    proxy.become(Network.BLACK_HOLE)
    name = url.rpartition("/")[2]

    store = await open_postgres(
        f"postgresql://registrary@127.0.0.1:{proxy.port},127.0.0.1:{cluster.port}/{name}",
        options=HASTY,
    )

    assert await store.get(Client, ISSUER_ID, "c") is None
    await store.close()


async def test_what_sends_no_warnings_is_refused_behind_a_pooler(url, cluster):
    """A warning is all that tells that a commit is in doubt, and there it cannot be asked for."""
    name = url.rpartition("/")[2]
    cluster.sql(f"alter database {name} set client_min_messages = error", database=name)

    with pytest.raises(StoreUnavailable, match="client_min_messages"):
        await open_postgres(url, options=PostgresOptions(pooled=True))


async def test_operators_of_strangers_are_not_used(url, cluster):
    """Who may make things in the same database must not have us run them with our rights."""
    strange = """
        create schema strange;
        create function strange.take(text, bigint) returns text language sql as 'select $1';
        create operator strange.|| (leftarg = text, rightarg = bigint, function = strange.take)
    """
    name = url.rpartition("/")[2]
    cluster.sql(strange, database=name)
    cluster.sql(f"alter database {name} set search_path = strange, public", database=name)
    store = await open_postgres(url)

    rows = await store.database.rows("SELECT 'a'::text || 1::bigint")

    assert "a1" == rows[0][0]
    await store.close()


async def test_many_share_few_connections(distant):
    """A rush waits in line instead of falling on the database."""
    found = await asyncio.gather(*(distant.get(Client, ISSUER_ID, "c") for _ in range(200)))

    assert None not in found


async def test_a_database_that_gives_fewer_connections_serves_all_the_same(cluster, url):
    """A limit that somebody set lower than ours makes the server slower, not deaf."""
    name = url.rpartition("/")[2]
    role = f"few_{name}"
    cluster.sql(f"create role {role} login connection limit 1")
    await migrate_postgres(url, application_role=role)
    store = await open_postgres(cluster.url(name, user=role))

    pages = await asyncio.gather(*(store.page(Client, ISSUER_ID) for _ in range(40)))

    assert [()] * 40 == [page.records for page in pages]
    await store.close()


async def test_a_caller_that_goes_away_keeps_no_connection(distant):
    """Callers hang up all the time."""
    for _ in range(10):
        asked = [asyncio.ensure_future(distant.page(Client, ISSUER_ID)) for _ in range(10)]
        await asyncio.sleep(0)
        for reader in asked:
            reader.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    assert await distant.get(Client, ISSUER_ID, "c") is not None


async def test_waiting_for_a_connection_has_an_end_too(distant):
    """Somebody who holds all connections makes others late, and not for ever."""
    database = distant.database
    async with (
        database.line(end=database.now() + 60),
        database.line(end=database.now() + 60),
        database.line(end=database.now() + 60),
    ):
        with pytest.raises(StoreUnavailable, match="all 3 connections are in use"):
            await distant.counter(ISSUER_ID, "n")

    assert 0 == await distant.counter(ISSUER_ID, "n")


async def test_closing_ends_what_waits(distant, proxy):
    """A process that stops does not wait for a database that is gone."""
    proxy.become(Network.BLACK_HOLE)
    asked = [asyncio.ensure_future(distant.get(Client, ISSUER_ID, "c")) for _ in range(10)]
    await asyncio.sleep(0)

    async with asyncio.timeout(GUARD_SECONDS):
        await distant.close()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert {StoreUnavailable} == {type(outcome) for outcome in outcomes}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("/", "/nowhere"), "no database of this name"),
        (("registrary@", "nobody:s3cr3t@"), "may not connect"),
        (("registrary@", "registrary:s3cr3t@"), "cannot be reached"),
    ],
    ids=["database", "role", "port"],
)
async def test_what_is_wrong_is_said_and_the_password_is_not(cluster, url, change, words):
    """An operator acts on one line, which may end in a ticket."""
    base, _, name = url.rpartition("/")
    wrong = f"{base}/nowhere" if change[0] == "/" else url.replace(*change)
    if words == "cannot be reached":
        wrong = wrong.replace(f":{cluster.port}", ":1")

    with pytest.raises(StoreUnavailable, match=words) as caught:
        await open_postgres(wrong)

    assert "s3cr3t" not in str(caught.value)
    assert ("nowhere" if change[0] == "/" else name) in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["mysql://a/b", "postgresql://h:port/b", "postgresql://[::1/b"],
    ids=["scheme", "port", "bracket"],
)
async def test_what_is_no_address_is_refused(url):
    """A slip in the settings is told as one."""
    with pytest.raises(StoreUnavailable, match="store: "):
        await open_postgres(url)


@pytest.fixture(scope="module")
def lonely() -> Iterator[Cluster]:
    """Run a server that waits for a standby which does not exist."""
    with Cluster.running(FAST) as cluster:
        asyncio.run(_made(cluster.url()))
        cluster.configure(synchronous_standby_names="nobody", synchronous_commit="on")
        yield cluster


async def _made(url: str) -> None:
    await (await open_postgres(url, migrate=True)).close()


WAITING_FOR_STANDBY = "select pid from pg_stat_activity where wait_event = 'SyncRep'"


async def pid_of_waiting(cluster: Cluster) -> str:
    """Return the server process of a commit that waits for the standby, once there is one."""
    async with asyncio.timeout(GUARD_SECONDS):
        while True:
            pid = await asyncio.to_thread(cluster.sql, WAITING_FOR_STANDBY)
            if pid:
                return pid
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("told", ["warning", "error"])
async def test_a_commit_that_no_standby_has_is_not_acknowledged(lonely, told):
    """Who cancels the wait for a standby makes PostgreSQL say "done" with a warning.

    The standby that takes over does not know of that commit. What else warnings are good for is
    no matter: a server may be set to send none.
    """
    lonely.configure(client_min_messages=told)
    store = await open_postgres(lonely.url(), options=PostgresOptions(commit_seconds=60))
    write = asyncio.ensure_future(store.commit(Changes(puts=(Put(a_client()),))))

    lonely.sql(f"select pg_cancel_backend({await pid_of_waiting(lonely)})")

    with pytest.raises(StoreUnavailable, match="in doubt"):
        await write
    await store.close()


async def test_a_commit_waits_for_its_standby_no_longer_than_it_may(lonely):
    """A standby that is gone stops writes, which are told so, and reads go on."""
    store = await open_postgres(lonely.url(), options=HASTY)

    with pytest.raises(StoreUnavailable, match="not answer in time"):
        await store.commit(Changes(puts=(Put(a_client()),)))

    assert 0 == await store.counter(ISSUER_ID, "n")
    await store.close()


async def test_writes_that_hang_stay_few_while_a_standby_is_away(lonely):
    """Each keeps a connection of the server's, and those who read need some too."""
    store = await open_postgres(lonely.url(), options=HASTY)

    for _ in range(4 * HASTY.connections):
        with pytest.raises(StoreUnavailable, match=r"in time|hang there"):
            await store.commit(Changes(puts=(Put(a_client()),)))
    hanging = len((await asyncio.to_thread(lonely.sql, WAITING_FOR_STANDBY)).split())
    lonely.configure(synchronous_standby_names="")

    await service_returns_to_writers(store)
    assert HASTY.connections <= hanging <= 2 * HASTY.connections
    lonely.configure(synchronous_standby_names="nobody")
    await store.close()


async def service_returns_to_writers(store: PostgresStore) -> None:
    """Return once a write succeeds."""
    async with asyncio.timeout(GUARD_SECONDS):
        while True:
            try:
                await store.commit(Changes(puts=(Put(a_client()),)))
            except StoreUnavailable:
                await asyncio.sleep(0.05)
            else:
                return
