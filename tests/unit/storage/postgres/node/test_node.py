"""Nodes on one database learn from each other, and agree on who leads."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from asyncpg import exceptions

from registrary.core.changes import Changes, Delete, Put
from registrary.core.client import Client
from registrary.core.records import InitialAccessToken
from registrary.core.signing_key import SigningKey
from registrary.ports.limiter import Rate
from registrary.ports.store import StoreUnavailable
from registrary.storage.memory.limiter import MemoryLimiter
from registrary.storage.postgres import PostgresOptions, PostgresStore, open_postgres
from registrary.storage.postgres.address import Address
from registrary.storage.postgres.line import connect
from registrary.storage.postgres.node.cache import USABLE_SECONDS, Place
from registrary.storage.postgres.node.caching import places_of_change
from registrary.storage.postgres.node.feed import TableFeed
from registrary.storage.postgres.node.node import Node
from registrary.storage.postgres.node.upkeep import KEEP_SECONDS, Upkeep
from registrary.storage.postgres.watched import LISTED, WATCHED
from registrary.storage.shared.kinds import KINDS
from registrary.testing.factories import (
    ISSUER_ID,
    a_client,
    a_signing_key,
    an_initial_access_token,
    an_issuer,
)
from registrary.testing.postgres import Cluster
from registrary.testing.stores import TEMPLATE, make_template
from tests.faults.proxy import Network, proxy_to

pytestmark = pytest.mark.anyio

SOON_SECONDS = 30.0  # on a machine that does other things too


class Wall:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)


@asynccontextmanager
async def a_node(url: str, **options: Any) -> AsyncIterator[tuple[Node, PostgresStore]]:
    """Run a node on the database at *url*."""
    store = await open_postgres(url, options=PostgresOptions(connections=2, **options))
    node = Node(store.database, store, local=MemoryLimiter(), clock=Wall())
    await node.start()
    try:
        yield node, store
    finally:
        await node.stop()
        await store.close()


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds; fail when it does not soon."""
    async with asyncio.timeout(SOON_SECONDS):
        while not await holds():  # noqa: ASYNC110 - what is waited for is in a database
            await asyncio.sleep(0.01)


def leads(node: Node) -> Callable[[], Awaitable[bool]]:
    """Return a question to a node."""

    async def ask() -> bool:
        return node.leadership.leads()

    return ask


def following(record: Any) -> Put:
    """Return the next revision of *record*."""
    before: int = record.revision
    return Put(msgspec.structs.replace(record, revision=before + 1), expected=before)


@pytest.mark.parametrize("options", [{}, {"pooled": True}], ids=["called", "looking"])
async def test_a_change_at_one_node_is_known_to_the_other(url, options):
    """A client that is suspended at one node stops at the other, called or not."""
    client, token, key = a_client(), an_initial_access_token(), a_signing_key()
    async with a_node(url) as (one, _), a_node(url, **options) as (other, _):
        await one.store.commit(Changes(puts=(Put(client), Put(token), Put(an_issuer()))))
        before = await other.store.get(Client, ISSUER_ID, client.client_id)
        await other.store.get(InitialAccessToken, ISSUER_ID, token.key)
        issuers = await other.store.issuers()
        keys = await other.store.page(SigningKey, ISSUER_ID)

        put = following(client)
        gone = Delete(token.kind, ISSUER_ID, token.key)
        await one.store.commit(Changes(puts=(put, Put(key)), deletions=(gone,)))

        async def is_known() -> bool:
            return (
                await other.store.get(Client, ISSUER_ID, client.client_id) == put.record
                and await other.store.get(InitialAccessToken, ISSUER_ID, token.key) is None
                and (await other.store.page(SigningKey, ISSUER_ID)).records == (key,)
            )

        await eventually(is_known)

    assert (client, 1, ()) == (before, len(issuers), keys.records)


def test_whatever_is_kept_is_told_of():
    """What is in memory and not in the feed is old for good; telling of more is for nothing."""
    kept = {kind.name for kind in KINDS if list(places_of_change(kind.name, "i", "k"))}

    assert kept == WATCHED
    assert {SigningKey.kind, "issuer"} == LISTED
    assert [Place("issuer", "", None)] == list(places_of_change("issuer", "i", "i"))


async def test_what_is_read_often_is_not_asked_for_again(url):
    """A node that looks four times a second reads nothing else while nothing changes."""
    client = a_client()
    async with a_node(url) as (node, store):
        await store.commit(Changes(puts=(Put(client),)))
        await node.store.get(Client, ISSUER_ID, client.client_id)
        await store.database.close()

        assert client == await node.store.get(Client, ISSUER_ID, client.client_id)


async def test_one_node_leads_and_hands_over_when_it_stops(url):
    """The log goes on without a pause when a node is taken out."""
    async with a_node(url) as (second, _):
        async with a_node(url) as (third, _):
            first_answers = second.leadership.leads(), third.leadership.leads()
        async with a_node(url) as (fourth, _):
            await second.stop()
            await eventually(leads(fourth))

    assert (True, False) == first_answers


async def test_who_loses_its_connection_loses_the_lead(url, cluster):
    """The lock lasts as long as the session; who lost that must not believe to have it."""
    async with a_node(url) as (one, _), a_node(url) as (other, _):
        cluster.sql(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
            " and database = (select oid from pg_database where datname = current_database())",
            database=url.rpartition("/")[2],
        )

        async def one_leads() -> bool:
            return one.leadership.leads() != other.leadership.leads()

        await eventually(one_leads)


CUTS = [Network.REFUSED, Network.RESET, Network.BLACK_HOLE, Network.MUTE]


@pytest.mark.parametrize("cut", CUTS, ids=[cut.value for cut in CUTS])
async def test_a_node_that_is_cut_off_serves_nothing_old(url, cluster, cut):
    """It cannot hear of a suspension, so it says that it does not know, and leads nobody."""
    client = a_client()
    with proxy_to(("127.0.0.1", cluster.port)) as proxy:
        far = url.replace(f":{cluster.port}/", f":{proxy.port}/")
        async with a_node(far, read_seconds=0.5) as (cut_off, _), a_node(url) as (near, _):
            await near.store.commit(Changes(puts=(Put(client),)))
            before = await cut_off.store.get(Client, ISSUER_ID, client.client_id)
            led = cut_off.leadership.leads(), near.leadership.leads()

            proxy.become(cut)
            put = following(client)
            await near.store.commit(Changes(puts=(put,)))
            await asyncio.sleep(USABLE_SECONDS)
            with pytest.raises(StoreUnavailable):
                await cut_off.store.get(Client, ISSUER_ID, client.client_id)
            await eventually(leads(near))
            leads_still = cut_off.leadership.leads()
            proxy.become(Network.WHOLE)

            async def knows() -> bool:
                try:
                    found = await cut_off.store.get(Client, ISSUER_ID, client.client_id)
                except StoreUnavailable:
                    return False
                return found == put.record

            await eventually(knows)

    assert (client, (True, False), False) == (before, led, leads_still)


async def test_without_a_lock_everybody_leads(url):
    """Behind a pooler no session is one's own, and the work is safe when all do it."""
    async with a_node(url, pooled=True) as (one, _), a_node(url, pooled=True) as (other, _):
        answers = one.leadership.leads(), other.leadership.leads()

    assert (True, True) == answers


async def test_a_pooled_node_leads_over_its_direct_connection(url):
    """One direct connection for each node is all it takes."""
    async with a_node(url, pooled=True, direct=url) as (one, _), a_node(url) as (other, _):
        answers = one.leadership.leads(), other.leadership.leads()

    assert (True, False) == answers


async def test_a_direct_connection_to_another_database_is_noticed(url, cluster, caplog):
    """What a node looks at must be what it reads, or nothing that was revoked would ever end."""
    client = a_client()
    caplog.set_level(logging.WARNING, "registrary.node")
    with cluster.database(template=TEMPLATE) as elsewhere:
        async with a_node(url, pooled=True, direct=elsewhere) as (node, store):
            await store.commit(Changes(puts=(Put(client),)))
            before = await node.store.get(Client, ISSUER_ID, client.client_id)
            put = following(client)
            await store.commit(Changes(puts=(put,)))
            after = await node.store.get(Client, ISSUER_ID, client.client_id)
            leads_there = node.leadership.leads()

    assert (client, put.record, False) == (before, after, leads_there)
    assert "another database" in caplog.text


async def test_rates_are_shared(url):
    """A limit of ten is ten on all nodes together, and a moment's worth more."""
    rate = Rate(10, timedelta(hours=1))
    async with a_node(url) as (one, _), a_node(url) as (other, store):
        now = datetime.now(UTC)
        allowed = [one.limiter.take("a", rate, now=now) is None for _ in range(11)]

        async def is_known() -> bool:
            rows = await store.database.rows("SELECT count(*) FROM registrary.rate")
            return bool(rows[0][0])

        await eventually(is_known)
        other.limiter.take("a", rate, now=now)

        async def is_refused() -> bool:
            return other.limiter.take("a", rate, now=now) is not None

        await eventually(is_refused)
        again = [other.limiter.take("a", rate, now=now) is None for _ in range(3)]

    assert [True] * 10 + [False] == allowed
    assert [False] * 3 == again


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the seconds that passed."""
        return self.seconds


async def test_old_changes_are_swept_and_young_ones_are_not(url):
    """The feed stays small, and no node misses what it has not read yet."""
    client, clock = a_client(), Clock()
    async with a_node(url) as (node, store):

        async def changes() -> int:
            rows = await store.database.rows("SELECT count(*) FROM registrary.change")
            return int(rows[0][0])

        upkeep = Upkeep(store.database, clock=clock)
        await node.store.commit(Changes(puts=(Put(client),)))
        put = following(client)
        await node.store.commit(Changes(puts=(put,)))
        counts = []
        for seconds in (0.0, KEEP_SECONDS - 1, 1.0):
            clock.seconds += seconds
            await upkeep.sweep()
            counts.append(await changes())
        await node.store.commit(Changes(puts=(following(put.record),)))
        await upkeep.sweep()
        counts.append(await changes())

    assert [1, 1, 0, 1] == counts


async def test_rates_at_rest_are_swept(url):
    """The table of rates holds who is busy now, and not who ever was."""
    async with a_node(url) as (node, store):
        now = datetime.now(UTC)
        node.limiter.take("soon", Rate(1000, timedelta(milliseconds=1)), now=now)
        node.limiter.take("long", Rate(1, timedelta(hours=1)), now=now)
        await node.limiter.compare()

        async def one_is_left() -> bool:
            await node.upkeep.sweep()
            rows = await store.database.rows("SELECT count(*) FROM registrary.rate")
            return int(rows[0][0]) == 1

        await eventually(one_is_left)


@pytest.fixture(scope="module")
def fragile() -> Iterator[tuple[Cluster, str]]:
    """Run a server of our own, which nobody else misses when it crashes, and a store on it."""
    with Cluster.running() as cluster:
        make_template(cluster)
        with cluster.database(template=TEMPLATE) as url:
            yield cluster, url


async def test_after_a_crash_the_server_is_taken_for_another(fragile):
    """Numbers of transactions may come again after it, and changes would be overlooked."""
    cluster, url = fragile
    line = await connect(Address(url), PostgresOptions())
    before = await TableFeed(line.connection).news(None)

    crash(cluster, url)
    line.hang_up()

    async def is_another() -> bool:
        try:
            line = await connect(Address(url), PostgresOptions())
        except (OSError, exceptions.PostgresError):
            return False
        after = await TableFeed(line.connection).news(before.position)
        line.hang_up()
        return after.changes is None and after.position.server != before.position.server

    await eventually(is_another)


async def test_a_node_follows_again_after_a_crash_of_the_server(fragile, caplog):
    """Service returns without a restart, and the operator is told once of each."""
    client, (cluster, url) = a_client(), fragile
    caplog.set_level(logging.INFO, "registrary.node")
    async with a_node(url) as (node, store):
        await store.commit(Changes(puts=(Put(client),)))

        crash(cluster, url)

        async def is_back() -> bool:
            try:
                found = await node.store.get(Client, ISSUER_ID, client.client_id)
            except StoreUnavailable:
                return False
            return found == client and node.leadership.leads()

        await eventually(is_back)

    told = [record.getMessage().partition(":")[0] for record in caplog.records]
    assert [
        "the node cannot follow what others change",
        "the node follows what others change again",
    ] == told


def crash(cluster: Cluster, url: str) -> None:
    """Kill a process of the server that serves the database at *url*: all others end with it."""
    others = "select pid from pg_stat_activity where datname = current_database()"
    others += " and pid <> pg_backend_pid() limit 1"
    os.kill(int(cluster.sql(others, database=url.rpartition("/")[2])), signal.SIGKILL)
