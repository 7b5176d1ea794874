"""The definition of a store under concurrency: run beside `registrary.testing.store_contract`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable

import msgspec
import pytest

from registrary.core.changes import NO_LIMIT, Changes, Consume, Put, Unchanged
from registrary.core.client import Client
from registrary.ports.store import Conflict, Store
from registrary.testing.audit_log_contract import a_sequencing, log_events
from registrary.testing.backend_contract import (
    BackendContract,
    LoggingStore,
    MakeStore,
    put_new,
)
from registrary.testing.factories import (
    ISSUER_ID,
    a_client,
    a_spent_assertion,
    an_event,
    an_initial_access_token,
)

ATTEMPTS = 50


async def how_many_succeed(acts: Iterable[Awaitable[None]]) -> int:
    """Do all of *acts* at once and return how many did not conflict."""
    outcomes = await asyncio.gather(*acts, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Conflict):
            raise outcome
    return outcomes.count(None)


async def wait_for_client(store: Store, client_id: str) -> Client:
    """Return the client once it can be read; fails after ten seconds."""
    async with asyncio.timeout(10):
        while True:
            client = await store.get(Client, ISSUER_ID, client_id)
            if client is not None:
                return client
            await asyncio.sleep(0.01)


async def bump(store: Store, client_id: str) -> None:
    """Write the client's next revision, deciding again after every conflict."""
    while True:
        client = await store.get(Client, ISSUER_ID, client_id)
        assert client is not None
        following = msgspec.structs.replace(client, revision=client.revision + 1)
        try:
            await store.commit(Changes(puts=(Put(following, expected=client.revision),)))
        except Conflict:
            continue
        return


@pytest.mark.anyio
class ConcurrencyContract(BackendContract):
    """Many callers at once in one process."""

    @pytest.mark.parametrize("limit", [1, 20, ATTEMPTS])
    async def test_a_counter_lets_exactly_its_limit_through(
        self, store: LoggingStore, limit: int
    ) -> None:
        """A single-use token that fifty present at the same time makes one client."""
        attempts = [
            Changes(
                puts=(Put(a_client()),),
                consumptions=(Consume(ISSUER_ID, "uses", limit=limit),),
                events=(an_event(),),
            )
            for _ in range(ATTEMPTS)
        ]

        succeeded = await how_many_succeed(store.commit(changes) for changes in attempts)

        assert limit == succeeded
        assert limit == await store.counter(ISSUER_ID, "uses")
        assert limit == len((await store.page(Client, ISSUER_ID, limit=ATTEMPTS)).records)
        assert limit == len(await store.waiting(ISSUER_ID, limit=ATTEMPTS))

    async def test_what_only_counts_counts_what_was_written(self, store: LoggingStore) -> None:
        """A count of clients that were never stored would fill a quota with nobody."""
        count = Consume(ISSUER_ID, "n", NO_LIMIT)
        await store.commit(put_new(a_client(revision=1)))
        stale = Changes(puts=(Put(a_client(revision=9), expected=8),), consumptions=(count,))
        good = Changes(consumptions=(count,))

        written = await how_many_succeed(
            store.commit(stale if number % 2 else good) for number in range(ATTEMPTS)
        )

        assert ATTEMPTS // 2 == written
        assert ATTEMPTS // 2 == await store.counter(ISSUER_ID, "n")

    async def test_a_limit_sees_what_only_counts(self, store: LoggingStore) -> None:
        """A quota that was set a moment ago binds those who are decided beside it."""
        free, bound = Consume(ISSUER_ID, "n", NO_LIMIT), Consume(ISSUER_ID, "n", limit=3)

        written = await how_many_succeed(
            store.commit(Changes(consumptions=(part,))) for part in (free, free, bound, bound, free)
        )

        assert 4 == written
        assert 4 == await store.counter(ISSUER_ID, "n")

    async def test_one_of_many_replacements_of_a_revision_wins(self, store: LoggingStore) -> None:
        """Of two updates decided on the same client one is told to decide again."""
        await store.commit(put_new(a_client(client_id="c", revision=1)))
        replacements = [
            Changes(
                puts=(Put(a_client(client_id="c", revision=2), expected=1),), events=(an_event(),)
            )
            for _ in range(ATTEMPTS)
        ]

        assert 1 == await how_many_succeed(store.commit(changes) for changes in replacements)
        assert 1 == len(await store.waiting(ISSUER_ID, limit=ATTEMPTS))

    async def test_no_update_is_lost(self, store: LoggingStore) -> None:
        """Who decides again after each conflict gets through at last."""
        await store.commit(put_new(a_client(client_id="c", revision=1)))

        await asyncio.gather(*(bump(store, "c") for _ in range(ATTEMPTS)))

        client = await store.get(Client, ISSUER_ID, "c")
        assert client is not None
        assert 1 + ATTEMPTS == client.revision

    async def test_a_key_is_taken_by_one_of_many(self, store: LoggingStore) -> None:
        """An assertion replayed at the same instant is spent once (RFC 7523 §3 item 7)."""
        spent = put_new(a_spent_assertion(digest="d"))

        assert 1 == await how_many_succeed(store.commit(spent) for _ in range(ATTEMPTS))

    async def test_different_clients_do_not_hinder_each_other(self, store: LoggingStore) -> None:
        """Two hundred registrations at once are two hundred clients."""
        clients = [a_client() for _ in range(200)]

        succeeded = await how_many_succeed(
            store.commit(Changes(puts=(Put(client),), events=(an_event(),))) for client in clients
        )

        assert len(clients) == succeeded
        for client in clients:
            assert client == await store.get(Client, ISSUER_ID, client.client_id)
        assert len(clients) == len(await store.waiting(ISSUER_ID, limit=1000))

    async def test_a_conflict_is_told_to_the_one_who_caused_it(self, store: LoggingStore) -> None:
        """A neighbour in the same group commit neither fails nor succeeds with another."""
        await store.commit(put_new(a_client(client_id="taken")))
        attempts = [
            Changes(
                consumptions=(Consume(ISSUER_ID, "tried", limit=1000),),
                puts=(Put(a_client(client_id="taken" if n % 3 == 0 else f"free-{n}")),),
                events=(an_event(),),
            )
            for n in range(30)
        ]

        outcomes = await asyncio.gather(
            *(store.commit(changes) for changes in attempts), return_exceptions=True
        )

        assert [n % 3 == 0 for n in range(30)] == [isinstance(o, Conflict) for o in outcomes]
        assert 20 == await store.counter(ISSUER_ID, "tried")
        assert 20 == len(await store.waiting(ISSUER_ID, limit=100))

    async def test_what_was_relied_on_does_not_change_under_the_write(
        self, store: LoggingStore
    ) -> None:
        """Two writes that each rely on what the other replaces cannot both succeed."""
        left, right = an_initial_access_token(id="left"), an_initial_access_token(id="right")
        await store.commit(put_new(left, right))

        def crosswise(relied_on: str, replaced: str) -> Changes:
            following = an_initial_access_token(id=replaced, revision=2)
            return Changes(
                unchanged=(Unchanged(left.kind, ISSUER_ID, relied_on, 1),),
                puts=(Put(following, expected=1),),
            )

        succeeded = await how_many_succeed(
            store.commit(changes)
            for changes in (crosswise("left", "right"), crosswise("right", "left"))
        )

        assert 1 == succeeded

    async def test_a_caller_that_goes_away_does_not_undo_its_write(
        self, store: LoggingStore
    ) -> None:
        """A client that hangs up may have been registered; half of it may not."""
        changes = Changes(puts=(Put(a_client(client_id="c")),), events=(an_event(),))
        caller = asyncio.ensure_future(store.commit(changes))
        await asyncio.sleep(0)

        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)

        assert "c" == (await wait_for_client(store, "c")).client_id
        assert 1 == len(await store.waiting(ISSUER_ID, limit=10))

    async def test_an_acknowledged_write_is_read_at_once(self, store: LoggingStore) -> None:
        """A client may use its registration before the next one is written."""

        async def register_and_read(client: Client) -> bool:
            await store.commit(put_new(client))
            return client == await store.get(Client, ISSUER_ID, client.client_id)

        seen = await asyncio.gather(*(register_and_read(a_client()) for _ in range(ATTEMPTS)))

        assert all(seen)

    async def test_one_of_two_sequencers_wins(self, store: LoggingStore) -> None:
        """Every index has one event, whoever thinks to be the sequencer."""
        events = await log_events(store, 3)

        succeeded = await how_many_succeed(
            store.sequence(a_sequencing(events, checkpoint="note")) for _ in range(2)
        )

        assert 1 == succeeded
        assert 3 == await store.log_size(ISSUER_ID)

    async def test_closing_finishes_the_writes_under_way(self, make_store: MakeStore) -> None:
        """A graceful stop answers those who were let in."""
        store = await make_store()
        writes = [asyncio.ensure_future(store.commit(put_new(a_client()))) for _ in range(20)]
        await asyncio.sleep(0)

        await store.close()

        assert [None] * 20 == await asyncio.gather(*writes)


@pytest.mark.anyio
class SharedStoreContract(BackendContract):
    """Two openers of the same data, as two processes are; for back-ends that allow it."""

    @pytest.fixture
    async def other(
        self, store: LoggingStore, make_store: MakeStore
    ) -> AsyncIterator[LoggingStore]:
        """Open the data of *store* a second time."""
        other = await make_store()
        yield other
        await other.close()

    async def test_an_acknowledged_write_is_seen_by_all(
        self, store: LoggingStore, other: LoggingStore
    ) -> None:
        """A client suspended by a command stops working at the server."""
        client = a_client(client_id="c", revision=1)
        await store.commit(put_new(client))
        assert client == await other.get(Client, ISSUER_ID, "c")

        following = msgspec.structs.replace(client, revision=2)
        await other.commit(Changes(puts=(Put(following, expected=1),)))

        assert following == await store.get(Client, ISSUER_ID, "c")

    async def test_a_limit_holds_for_all_together(
        self, store: LoggingStore, other: LoggingStore
    ) -> None:
        """A single-use token is used once, however many workers serve."""
        use = Consume(ISSUER_ID, "uses", limit=10)
        attempts = [
            opener.commit(Changes(consumptions=(use,), events=(an_event(),)))
            for opener in (store, other)
            for _ in range(ATTEMPTS)
        ]

        succeeded = await how_many_succeed(attempts)

        assert 10 == succeeded
        assert 10 == await store.counter(ISSUER_ID, "uses")
        assert 10 == len(await other.waiting(ISSUER_ID, limit=100))

    async def test_no_update_is_lost_between_openers(
        self, store: LoggingStore, other: LoggingStore
    ) -> None:
        """Commands and workers write the same client in turn."""
        await store.commit(put_new(a_client(client_id="c", revision=1)))

        await asyncio.gather(*(bump(opener, "c") for opener in (store, other) for _ in range(10)))

        client = await store.get(Client, ISSUER_ID, "c")
        assert client is not None
        assert 21 == client.revision

    async def test_what_one_relied_on_does_not_change_by_another(
        self, store: LoggingStore, other: LoggingStore
    ) -> None:
        """Two nodes that each rely on what the other replaces cannot both succeed."""
        left, right = an_initial_access_token(id="left"), an_initial_access_token(id="right")
        await store.commit(put_new(left, right))

        def crosswise(relied_on: str, replaced: str) -> Changes:
            following = an_initial_access_token(id=replaced, revision=2)
            return Changes(
                unchanged=(Unchanged(left.kind, ISSUER_ID, relied_on, 1),),
                puts=(Put(following, expected=1),),
            )

        succeeded = await how_many_succeed(
            [
                store.commit(crosswise("left", "right")),
                other.commit(crosswise("right", "left")),
            ]
        )

        assert 1 == succeeded

    async def test_events_of_all_stand_in_one_log(
        self, store: LoggingStore, other: LoggingStore
    ) -> None:
        """The log has one order, and no event of either opener is missing from it."""
        events = [an_event() for _ in range(40)]

        await asyncio.gather(
            *((store, other)[n % 2].commit(Changes(events=(e,))) for n, e in enumerate(events))
        )
        waiting = await store.waiting(ISSUER_ID, limit=100)

        assert {event.id for event in events} == {event.event_id for event in waiting}
        assert waiting == await other.waiting(ISSUER_ID, limit=100)
