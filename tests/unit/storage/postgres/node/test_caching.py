"""Nobody is served what was revoked a second ago, whatever happens in which order."""

from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registrary.core.changes import Changes, Consume, Delete, Put, Unchanged
from registrary.core.client import Client
from registrary.core.records import AdminToken, InitialAccessToken, SpentAssertion
from registrary.core.signing_key import SigningKey
from registrary.ports.store import Conflict, StoreUnavailable
from registrary.storage.memory.store import MemoryStore
from registrary.storage.postgres.node.cache import USABLE_SECONDS, RecordCache
from registrary.storage.postgres.node.caching import CachingStore
from registrary.storage.postgres.node.freshness import (
    REACH_SECONDS,
    Change,
    Freshness,
    News,
    Position,
)
from registrary.testing.factories import (
    ISSUER_ID,
    a_client,
    a_signing_key,
    a_spent_assertion,
    an_admin_token,
    an_initial_access_token,
    an_issuer,
)

pytestmark = pytest.mark.anyio

LISTS = {"issuer", "signing_key"}


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Return the seconds that passed."""
        return self.seconds

    def wait(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.seconds += seconds


class Database(MemoryStore):
    """A store that writes down what it changed, and counts what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[Change] = []
        self.server = "one"
        self.reads = 0
        self.is_cut_off = False

    async def commit(self, changes: Changes) -> None:
        """Apply *changes* and tell of what was replaced or removed."""
        await super().commit(changes)
        self.changes += [
            Change(put.record.kind, put.record.issuer, put.record.key)
            for put in changes.puts
            if put.expected is not None or put.record.kind in LISTS
        ]
        self.changes += [Change(part.kind, part.issuer, part.key) for part in changes.deletions]

    async def get(self, record_type, issuer, key):
        """Count, and return the record."""
        self.reads += 1
        self._check_line()
        return await super().get(record_type, issuer, key)

    async def page(self, record_type, issuer, **wish):
        """Count, and return the page."""
        self.reads += 1
        return await super().page(record_type, issuer, **wish)

    async def issuers(self):
        """Count, and return the issuers."""
        self.reads += 1
        return await super().issuers()

    async def news(self, since: Position | None) -> News:
        """Tell what changed behind *since*."""
        self._check_line()
        position = Position(self.server, str(len(self.changes)))
        if since is None or since.server != self.server:
            return News(position, None)
        return News(position, tuple(self.changes[int(since.snapshot) :]))

    def _check_line(self) -> None:
        if self.is_cut_off:
            raise StoreUnavailable("cut off")


class Node:
    """A node on *database*, as old as its last look."""

    def __init__(self, database: Database, *, limit: int = 100, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.database = database
        self.cache = RecordCache(limit=limit, clock=self.clock)
        self.freshness = Freshness(self.cache, clock=self.clock)
        self.store = CachingStore(database, self.cache)

    async def look(self) -> None:
        """Look at what changed."""
        await self.freshness.follow(self.database)

    async def reads_of(self, *reads: Callable[[], Coroutine[Any, Any, object]]) -> int:
        """Return how often the database is asked while *reads* are done."""
        before = self.database.reads
        for read in reads:
            await read()
        return self.database.reads - before


async def a_node(*records: Any, limit: int = 100) -> Node:
    """Return a node that has looked, on a database with *records*."""
    database = Database()
    await database.commit(Changes(puts=tuple(Put(record) for record in records)))
    node = Node(database, limit=limit)
    await node.look()
    return node


def following(record: Any, **changes: Any) -> Put:
    """Return the next revision of *record*."""
    after = msgspec.structs.replace(record, revision=record.revision + 1, **changes)
    return Put(after, expected=record.revision)


RECORDS = {
    "client": (a_client, Client),
    "initial-access-token": (an_initial_access_token, InitialAccessToken),
    "admin-token": (an_admin_token, AdminToken),
}


@pytest.mark.parametrize(("make", "kind"), RECORDS.values(), ids=RECORDS)
async def test_what_nobody_changed_is_read_once(make, kind):
    """A client that asks for a token each second costs the database nothing."""
    record = make()
    node = await a_node(record)

    async def read() -> None:
        assert record == await node.store.get(kind, ISSUER_ID, record.key)

    assert 1 == await node.reads_of(read, read, read)


async def test_lists_are_read_once():
    """Each signature asks which keys there are."""
    key, issuer = a_signing_key(), an_issuer()
    node = await a_node(key, issuer)

    async def keys() -> None:
        page = await node.store.page(SigningKey, ISSUER_ID, limit=500)
        assert (key,) == page.records

    async def issuers() -> None:
        assert [issuer] == list(await node.store.issuers())

    assert 1 == await node.reads_of(keys, keys)
    assert 1 == await node.reads_of(issuers, issuers)


async def test_a_list_that_is_longer_than_was_asked_for_is_not_taken_for_the_whole():
    """The signer would miss keys."""
    node = await a_node(a_signing_key(), a_signing_key(), a_signing_key())

    short = await node.store.page(SigningKey, ISSUER_ID, limit=2)
    whole = await node.store.page(SigningKey, ISSUER_ID, limit=3)
    again = await node.store.page(SigningKey, ISSUER_ID, limit=2)

    assert [2, 3, 2] == [len(page.records) for page in (short, whole, again)]


@pytest.mark.parametrize("wish", [{"after": "a"}, {"descending": True}], ids=["after", "down"])
async def test_only_lists_from_the_beginning_are_kept(wish):
    """Pages of the admin API go another way through the same keys."""
    node = await a_node(a_signing_key(), a_signing_key())
    await node.store.page(SigningKey, ISSUER_ID)

    async def read() -> None:
        page = await node.store.page(SigningKey, ISSUER_ID, **wish)
        assert page == await MemoryStore.page(node.database, SigningKey, ISSUER_ID, **wish)

    assert 2 == await node.reads_of(read, read)


async def test_what_others_make_is_seen_at_once():
    """That a client is not there is never kept: nobody tells a node of a registration."""
    client = a_client()
    node = await a_node()
    before = await node.store.get(Client, ISSUER_ID, client.client_id)

    await node.database.commit(Changes(puts=(Put(client),)))
    after = await node.store.get(Client, ISSUER_ID, client.client_id)

    assert (None, client) == (before, after)


async def test_kinds_that_nobody_tells_of_are_always_read():
    """A replayed assertion that was spent at another node would pass."""
    spent = a_spent_assertion()
    node = await a_node(spent)

    async def read() -> None:
        await node.store.get(SpentAssertion, ISSUER_ID, spent.key)

    assert 3 == await node.reads_of(read, read, read)


async def test_what_another_node_changed_is_read_again_after_a_look():
    """A client that is suspended at one node stops at all."""
    client, key, issuer = a_client(), a_signing_key(), an_issuer()
    node = await a_node(client, key, issuer)
    await node.store.get(Client, ISSUER_ID, client.client_id)
    await node.store.page(SigningKey, ISSUER_ID)
    await node.store.issuers()

    new_key = a_signing_key()
    puts = (following(client), Put(new_key), following(issuer))
    await node.database.commit(Changes(puts=puts))
    await node.look()

    assert puts[0].record == await node.store.get(Client, ISSUER_ID, client.client_id)
    page = await node.store.page(SigningKey, ISSUER_ID)
    assert (key, new_key) == page.records
    assert [puts[2].record] == list(await node.store.issuers())


async def test_what_was_removed_is_gone_after_a_look():
    """A token that an administrator removed admits nobody."""
    token = an_initial_access_token()
    node = await a_node(token)
    await node.store.get(InitialAccessToken, ISSUER_ID, token.key)

    await node.database.commit(Changes(deletions=(Delete(token.kind, ISSUER_ID, token.key),)))
    await node.look()

    assert await node.store.get(InitialAccessToken, ISSUER_ID, token.key) is None


async def test_nothing_is_used_longer_than_its_time_after_the_last_look():
    """A node that stopped looking does not know who was suspended since."""
    client = a_client()
    node = await a_node(client)

    async def read() -> None:
        await node.store.get(Client, ISSUER_ID, client.client_id)

    await read()
    node.clock.seconds += USABLE_SECONDS - 0.01
    in_time = await node.reads_of(read)
    node.clock.seconds += 0.01

    assert 0 == in_time
    assert 2 == await node.reads_of(read, read)


async def test_the_time_counts_from_the_beginning_of_a_look():
    """An answer that was long on its way tells of a moment long ago."""
    client = a_client()
    node = await a_node(client)
    await node.store.get(Client, ISSUER_ID, client.client_id)

    class Slow:
        async def news(self, since: Position | None) -> News:
            """Answer with what was true when asked, late."""
            found = await node.database.news(since)
            node.clock.seconds += USABLE_SECONDS
            return found

    await node.freshness.follow(Slow())

    assert 1 == await node.reads_of(lambda: node.store.get(Client, ISSUER_ID, client.client_id))


async def test_a_node_that_is_cut_off_says_so():
    """Served from memory, a revoked client would go on for as long as the cut lasts."""
    client = a_client()
    node = await a_node(client)
    await node.store.get(Client, ISSUER_ID, client.client_id)
    node.database.is_cut_off = True

    with pytest.raises(StoreUnavailable):
        await node.look()

    with pytest.raises(StoreUnavailable):
        await node.store.get(Client, ISSUER_ID, client.client_id)


@pytest.mark.parametrize("why", ["failed look", "another server", "long silence"])
async def test_where_changes_may_have_been_missed_everything_is_forgotten(why):
    """After a failover the numbers of transactions begin again below those we saw."""
    client = a_client()
    node = await a_node(client)
    await node.store.get(Client, ISSUER_ID, client.client_id)
    if why == "failed look":
        node.database.is_cut_off = True
        with pytest.raises(StoreUnavailable):
            await node.look()
        node.database.is_cut_off = False
    if why == "another server":
        node.database.server = "two"
    if why == "long silence":
        node.clock.seconds += REACH_SECONDS + 1

    node.database.changes.clear()  # swept, or never told to this server
    await node.look()

    assert 0 == len(node.cache)
    assert 1 == await node.reads_of(lambda: node.store.get(Client, ISSUER_ID, client.client_id))


async def test_memory_is_bounded():
    """A million clients that come by once would fill it."""
    clients = [a_client() for _ in range(5)]
    node = await a_node(*clients, limit=3)

    async def read(place: int) -> None:
        await node.store.get(Client, ISSUER_ID, clients[place].client_id)

    for place in (0, 1, 2, 0, 3):
        await read(place)

    assert 3 == len(node.cache)
    assert 0 == await node.reads_of(lambda: read(0), lambda: read(2), lambda: read(3))
    assert 1 == await node.reads_of(lambda: read(1))


async def test_a_node_reads_what_it_wrote():
    """Who updates a client and reads it again finds the update."""
    client = a_client()
    node = await a_node(client)
    await node.store.get(Client, ISSUER_ID, client.client_id)
    put = following(client)

    await node.store.commit(Changes(puts=(put,)))

    assert put.record == await node.store.get(Client, ISSUER_ID, client.client_id)


@pytest.mark.parametrize("how", ["put", "unchanged"])
async def test_who_decided_on_an_old_read_finds_the_truth_when_it_reads_again(how):
    """A stale fact ends as a conflict, and the second decision is right."""
    token = an_initial_access_token()
    node = await a_node(token)
    await node.store.get(InitialAccessToken, ISSUER_ID, token.key)
    revoked = following(token, revoked_at=token.created_at)
    await node.database.commit(Changes(puts=(revoked,)))
    demand = Unchanged(token.kind, ISSUER_ID, token.key, token.revision)
    wishes = {
        "put": Changes(puts=(following(token),)),
        "unchanged": Changes(puts=(Put(a_client()),), unchanged=(demand,)),
    }

    stale = await node.store.get(InitialAccessToken, ISSUER_ID, token.key)
    with pytest.raises(Conflict):
        await node.store.commit(wishes[how])

    assert token == stale
    assert revoked.record == await node.store.get(InitialAccessToken, ISSUER_ID, token.key)


async def test_what_was_only_relied_on_stays():
    """A token that admits thousands is read once, and not once for each of them."""
    token = an_initial_access_token()
    node = await a_node(token)
    await node.store.get(InitialAccessToken, ISSUER_ID, token.key)
    demand = Unchanged(token.kind, ISSUER_ID, token.key, token.revision)

    await node.store.commit(Changes(puts=(Put(a_client()),), unchanged=(demand,)))

    assert 0 == await node.reads_of(
        lambda: node.store.get(InitialAccessToken, ISSUER_ID, token.key)
    )


async def test_who_must_see_what_was_just_written_reads_the_store():
    """A client that updated itself at one node may read itself at the next."""
    client = a_client()
    node = await a_node(client)
    await node.store.get(Client, ISSUER_ID, client.client_id)
    put = following(client)
    await node.database.commit(Changes(puts=(put,)))

    assert put.record == await node.store.exact.get(Client, ISSUER_ID, client.client_id)


async def test_a_write_that_reads_exactly_is_known_to_the_memory():
    """An administrator's act at a node holds at that node at once."""
    client = a_client()
    node = await a_node(client)
    await node.store.get(Client, ISSUER_ID, client.client_id)
    put = following(client)

    await node.store.exact.commit(Changes(puts=(put,)))

    assert put.record == await node.store.get(Client, ISSUER_ID, client.client_id)


async def test_the_rest_of_a_store_is_the_rest_of_it():
    """Counters and what has expired are never old."""
    node = await a_node()
    await node.store.commit(Changes(consumptions=(Consume(ISSUER_ID, "n", limit=9),)))

    moment = a_spent_assertion().expires_at
    expired = await node.store.expired(SpentAssertion, ISSUER_ID, now=moment, limit=1)
    counted = await node.store.counter(ISSUER_ID, "n")
    await node.store.close()

    assert (1, ()) == (counted, tuple(expired))
    with pytest.raises(StoreUnavailable):
        await node.database.counter(ISSUER_ID, "n")


@pytest.mark.parametrize("by", ["another node", "this node"])
async def test_a_read_that_was_overtaken_by_a_change_is_not_kept(by):
    """The change is told once, while the read is on its way; kept, it would stay for good."""
    client = a_client()
    node = await a_node(client)
    database = PausingDatabase.of(node.database)
    node.store = CachingStore(database, node.cache)
    put = Changes(puts=(following(client),))

    read = Running(node.store.get(Client, ISSUER_ID, client.client_id))
    read.step()
    read.step()
    finish((node.store if by == "this node" else database).commit(put))
    await node.look()
    read.finish()

    assert client == read.outcome
    assert put.puts[0].record == finish(node.store.get(Client, ISSUER_ID, client.client_id))


# --- Any order of reads, writes and looks ------------------------------------------------------


class Pause:
    """A point at which a coroutine waits until the test goes on with it."""

    def __await__(self) -> Generator["Pause", None, None]:
        """Wait once."""
        yield self


class PausingDatabase(Database):
    """A database at a distance: before and after what it does, time passes."""

    @classmethod
    def of(cls, database: Database) -> "PausingDatabase":
        """Return *database* at a distance."""
        far = cls()
        vars(far).update(vars(database))
        return far

    async def commit(self, changes: Changes) -> None:
        """Apply *changes* between two pauses."""
        await Pause()
        await super().commit(changes)
        await Pause()

    async def get(self, record_type, issuer, key):
        """Read between two pauses."""
        await Pause()
        found = await super().get(record_type, issuer, key)
        await Pause()
        return found

    async def news(self, since: Position | None) -> News:
        """Look between two pauses."""
        await Pause()
        news = await super().news(since)
        await Pause()
        return news


@dataclass(eq=False)
class Running:
    """Something a node does, one step at a time; *settle* is called when it is done."""

    work: Coroutine[Any, Any, Any]
    settle: Callable[[Any], None] = lambda _: None
    is_done: bool = False
    outcome: Any = None

    def step(self) -> None:
        """Go on to the next pause, or to the end."""
        try:
            self.work.send(None)
        except StopIteration as end:
            self.is_done, self.outcome = True, end.value
            self.settle(self.outcome)
        except (Conflict, StoreUnavailable) as error:
            self.is_done, self.outcome = True, error

    def finish(self) -> Any:
        """Go on to the end without anything in between, and return what came of it."""
        while not self.is_done:
            self.step()
        return self.outcome


def finish(work: Coroutine[Any, Any, Any]) -> Any:
    """Do *work* to its end without anything in between."""
    return Running(work).finish()


class Model:
    """Two nodes, two clients and a database, and what was acknowledged when.

    A read may return what was newest `USABLE_SECONDS` before it began, or newer, and nothing
    older; and nothing older than what its own node was told to be written before.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.database = PausingDatabase()
        self.nodes = [Node(self.database, limit=2, clock=self.clock) for _ in range(2)]
        self.clients = [a_client(client_id=str(number), revision=1) for number in range(2)]
        finish(self.database.commit(Changes(puts=tuple(Put(client) for client in self.clients))))
        # By client: when which revision was acknowledged to anybody.
        self.told: list[list[tuple[float, int]]] = [[(float("-inf"), 1)] for _ in self.clients]
        # By node and client: what the node was told of its own writes.
        self.own = [[1] * len(self.clients) for _ in self.nodes]
        self.running: list[Running] = []
        self.looks: list[Running | None] = [None, None]
        self.look_everywhere()

    def read(self, node: int, client: int) -> Running:
        """Read a client at a node, and judge what is found."""
        old = self.clock.seconds - USABLE_SECONDS
        floor = max(revision for at, revision in self.told[client] if at <= old)
        floor = max(floor, self.own[node][client])

        def judge(found: Client) -> None:
            assert floor <= found.revision

        work = self.nodes[node].store.get(Client, ISSUER_ID, self.clients[client].client_id)
        return self._begun(work, judge)

    def write(self, node: int, client: int, *, behind: int) -> Running:
        """Replace a client at a node, perhaps on a read that is *behind*."""
        expected = max(1, max(revision for _, revision in self.told[client]) - behind)
        after = msgspec.structs.replace(self.clients[client], revision=expected + 1)

        def note(_: None) -> None:
            self.told[client].append((self.clock.seconds, expected + 1))
            self.own[node][client] = max(self.own[node][client], expected + 1)

        put = Put(after, expected=expected)
        return self._begun(self.nodes[node].store.commit(Changes(puts=(put,))), note)

    def look(self, node: int) -> Running:
        """Let a node look, once it has ended the look before."""
        before = self.looks[node]
        if before is not None:
            before.finish()
        look = self.looks[node] = self._begun(self.nodes[node].look(), lambda _: None)
        return look

    def look_in_vain(self, node: int) -> None:
        """Let a node look while it is cut off."""
        self.database.is_cut_off = True
        self.look(node).finish()
        self.database.is_cut_off = False

    def look_everywhere(self) -> None:
        """Let both nodes look."""
        for node in range(len(self.nodes)):
            self.look(node).finish()

    def go_on(self, place: int) -> None:
        """Let something that has begun go on to its next pause."""
        self.running = [run for run in self.running if not run.is_done]
        if self.running:
            self.running[place % len(self.running)].step()

    def end(self) -> None:
        """Let everything end."""
        for run in self.running:
            run.finish()

    def _begun(self, work: Coroutine[Any, Any, Any], settle: Callable[[Any], None]) -> Running:
        run = Running(work, settle)
        self.running.append(run)
        run.step()
        return run


STEPS: dict[str, Callable[[Model, int, int, int], object]] = {
    "begin to read": lambda model, node, client, _: model.read(node, client),
    "begin to write": lambda model, node, client, number: model.write(
        node, client, behind=number % 2
    ),
    "begin to look": lambda model, node, *_: model.look(node),
    "go on": lambda model, _, __, number: model.go_on(number),
    "go on with the first": lambda model, *_: model.go_on(0),
    "read": lambda model, node, client, _: model.read(node, client).finish(),
    "write": lambda model, node, client, _: model.write(node, client, behind=0).finish(),
    "look": lambda model, node, *_: model.look(node).finish(),
    "look in vain": lambda model, node, *_: model.look_in_vain(node),
    "look everywhere": lambda model, *_: model.look_everywhere(),
    "wait": lambda model, _, __, number: model.clock.wait([0.1, 0.3, 0.5][number % 3]),
    "wait on": lambda model, _, __, number: model.clock.wait([0.3, 0.8, 130.0][number % 3]),
}
A_STEP = st.tuples(
    st.sampled_from(list(STEPS)), st.integers(0, 1), st.integers(0, 1), st.integers(0, 5)
)


@settings(max_examples=800)
@given(st.lists(A_STEP, min_size=40, max_size=60))
def test_nothing_old_is_served_in_any_order_of_events(steps):
    """Whoever was suspended stops, whatever was on its way when that happened."""
    model = Model()

    for name, node, client, number in steps:
        STEPS[name](model, node, client, number)
    model.end()
