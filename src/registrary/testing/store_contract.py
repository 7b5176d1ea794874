"""The definition of a store: what every back-end does, as tests that its author runs.

    class TestOurStore(StoreContract, AuditLogContract, ConcurrencyContract):
        @pytest.fixture
        def make_store(self, tmp_path):
            async def make():
                return OurStore(tmp_path / "store")

            return make

``make_store()`` gives a store that is ready for use and empty. Where several processes can open
the same data, a second call in one test opens the data of the first: such back-ends run
`registrary.testing.concurrency_contract.SharedStoreContract` too. The tests need pytest and
anyio; call ``pytest.register_assert_rewrite("registrary.testing")`` in a conftest to see the
values that differ.
"""

import asyncio

import pytest

from registrary.core.changes import Changes, Consume, Delete, Put, Record, Unchanged
from registrary.core.client import Client
from registrary.core.issuer import Issuer
from registrary.core.records import InitialAccessToken, SpentAssertion
from registrary.ports.store import StoreUnavailable
from registrary.testing.backend_contract import (
    ONE_OF_EACH_KIND,
    OTHER_ISSUER_ID,
    BackendContract,
    LoggingStore,
    conflict_of,
    put_new,
)
from registrary.testing.factories import (
    ISSUER_ID,
    a_client,
    a_spent_assertion,
    an_event,
    an_initial_access_token,
    an_issuer,
)
from registrary.testing.listing_contract import ListingContract


@pytest.mark.anyio
class RecordContract(BackendContract):
    """Records: written by comparing revisions, read by key."""

    @pytest.mark.parametrize("record", ONE_OF_EACH_KIND, ids=lambda record: record.kind)
    async def test_a_record_reads_back_as_it_was_written(
        self, store: LoggingStore, record: Record
    ) -> None:
        """What is read decides who gets in: no member may change its type or vanish."""
        await store.commit(put_new(record))

        assert record == await store.get(type(record), record.issuer, record.key)

    async def test_what_was_never_written_is_absent(self, store: LoggingStore) -> None:
        """An unknown client is an answer, not an error."""
        assert await store.get(Client, ISSUER_ID, "unknown") is None

    @pytest.mark.parametrize("key", ["\0", "c\0", "c\0d", "\1c"])
    async def test_a_key_that_nobody_could_have_is_absent(
        self, store: LoggingStore, key: str
    ) -> None:
        """What a stranger types is looked up as it came, also what a database cannot hold."""
        await store.commit(put_new(a_client(client_id="c")))

        assert await store.get(Client, ISSUER_ID, key) is None
        assert 0 == await store.counter(ISSUER_ID, key)

    async def test_many_are_read_at_once(self, store: LoggingStore) -> None:
        """Each caller gets the record it asked for, whoever else asks, for whatever else."""
        clients = [a_client(client_id=f"c{number}") for number in range(20)]
        await store.commit(put_new(*clients, an_initial_access_token(id="c1")))

        keys = [f"c{number % 25}" for number in range(100)]
        found = await asyncio.gather(*(store.get(Client, ISSUER_ID, key) for key in keys))
        token = await store.get(InitialAccessToken, ISSUER_ID, "c1")

        by_key = {client.client_id: client for client in clients}
        assert [by_key.get(key) for key in keys] == found
        assert "c1" == (token.id if token else None)

    async def test_a_stored_record_does_not_follow_the_value_it_was_made_from(
        self, store: LoggingStore
    ) -> None:
        """A dict altered after the commit would alter a client without an event."""
        client = a_client(metadata={"client_name": "before"})
        await store.commit(put_new(client))

        client.metadata["client_name"] = "after"
        stored = await store.get(Client, client.issuer, client.client_id)

        assert stored is not None
        assert {"client_name": "before"} == stored.metadata

    @pytest.mark.parametrize("record", ONE_OF_EACH_KIND, ids=lambda record: record.kind)
    async def test_a_key_is_taken_once(self, store: LoggingStore, record: Record) -> None:
        """A ``client_id`` or an assertion that came twice is noticed here at last."""
        await store.commit(put_new(record))

        assert record.kind == await conflict_of(store, put_new(record))

    async def test_a_record_is_replaced_at_the_expected_revision(self, store: LoggingStore) -> None:
        """An update writes over exactly what it was decided on."""
        await store.commit(put_new(a_client(client_id="c", revision=1)))

        second = a_client(client_id="c", revision=2)
        await store.commit(Changes(puts=(Put(second, expected=1),)))

        assert second == await store.get(Client, ISSUER_ID, "c")

    @pytest.mark.parametrize("expected", [1, 3, None], ids=["older", "newer", "absent"])
    async def test_another_revision_than_expected_is_a_conflict(
        self, store: LoggingStore, expected: int | None
    ) -> None:
        """The update that comes second must see the first one's outcome, not erase it."""
        stored = a_client(client_id="c", revision=2)
        await store.commit(put_new(stored))

        late = Put(a_client(client_id="c", revision=4), expected=expected)
        what = await conflict_of(store, Changes(puts=(late,)))

        assert "client" == what
        assert stored == await store.get(Client, ISSUER_ID, "c")

    async def test_replacing_what_is_absent_is_a_conflict(self, store: LoggingStore) -> None:
        """An update does not bring back what was removed meanwhile."""
        late = Put(a_client(client_id="c", revision=2), expected=1)

        assert "client" == await conflict_of(store, Changes(puts=(late,)))
        assert await store.get(Client, ISSUER_ID, "c") is None

    async def test_a_revision_that_does_not_grow_is_a_mistake_of_the_caller(
        self, store: LoggingStore
    ) -> None:
        """Two updates could both succeed against a revision that stays the same."""
        await store.commit(put_new(a_client(client_id="c", revision=1)))

        with pytest.raises(ValueError, match="revision"):
            await store.commit(Changes(puts=(Put(a_client(client_id="c"), expected=1),)))

    async def test_kinds_have_keys_of_their_own(self, store: LoggingStore) -> None:
        """A token that happens to have a client's id is not that client."""
        token, assertion = an_initial_access_token(id="k"), a_spent_assertion(digest="k")

        await store.commit(put_new(token, assertion))

        assert token == await store.get(InitialAccessToken, ISSUER_ID, "k")
        assert assertion == await store.get(SpentAssertion, ISSUER_ID, "k")
        assert await store.get(Client, ISSUER_ID, "k") is None

    async def test_issuers_have_keys_of_their_own(self, store: LoggingStore) -> None:
        """A client of one issuer is unknown to every other."""
        ours, theirs = a_client(client_id="c"), a_client(client_id="c", issuer=OTHER_ISSUER_ID)

        await store.commit(put_new(ours))
        assert await store.get(Client, OTHER_ISSUER_ID, "c") is None
        await store.commit(put_new(theirs))

        assert ours == await store.get(Client, ISSUER_ID, "c")
        assert theirs == await store.get(Client, OTHER_ISSUER_ID, "c")

    async def test_unchanged_holds_while_the_revision_stands(self, store: LoggingStore) -> None:
        """A registration may rest on the token it was allowed by."""
        token = an_initial_access_token(id="t", revision=3)
        await store.commit(put_new(token))

        demand = Unchanged(token.kind, ISSUER_ID, "t", 3)
        await store.commit(Changes(unchanged=(demand,), puts=(Put(a_client(client_id="c")),)))

        assert await store.get(Client, ISSUER_ID, "c") is not None

    @pytest.mark.parametrize("revision", [2, 4], ids=["older", "newer"])
    @pytest.mark.parametrize("key", ["t", "absent"])
    async def test_unchanged_conflicts_when_the_revision_is_another(
        self, store: LoggingStore, revision: int, key: str
    ) -> None:
        """A token revoked between the check and the write must not let a client in."""
        token = an_initial_access_token(id="t", revision=3)
        await store.commit(put_new(token))

        demand = Unchanged(token.kind, ISSUER_ID, key, revision)
        changes = Changes(unchanged=(demand,), puts=(Put(a_client(client_id="c")),))

        assert "initial_access_token" == await conflict_of(store, changes)
        assert await store.get(Client, ISSUER_ID, "c") is None

    async def test_unchanged_speaks_of_the_record_before_the_write(
        self, store: LoggingStore
    ) -> None:
        """One write may demand and replace the same record."""
        await store.commit(put_new(a_client(client_id="c", revision=1)))

        await store.commit(
            Changes(
                unchanged=(Unchanged("client", ISSUER_ID, "c", 1),),
                puts=(Put(a_client(client_id="c", revision=2), expected=1),),
            )
        )

        stored = await store.get(Client, ISSUER_ID, "c")
        assert stored is not None
        assert 2 == stored.revision

    async def test_a_deleted_record_is_gone_and_its_key_free(self, store: LoggingStore) -> None:
        """What expired leaves no trace, so that the table stays small."""
        assertion = a_spent_assertion(digest="d")
        await store.commit(put_new(assertion))

        await store.commit(Changes(deletions=(Delete(assertion.kind, ISSUER_ID, "d"),)))

        assert await store.get(SpentAssertion, ISSUER_ID, "d") is None
        await store.commit(put_new(assertion))

    async def test_deleting_what_is_absent_is_no_conflict(self, store: LoggingStore) -> None:
        """Two processes may sweep at the same time."""
        await store.commit(Changes(deletions=(Delete("spent_assertion", ISSUER_ID, "d"),)))

    async def test_clients_are_never_deleted(self, store: LoggingStore) -> None:
        """A ``client_id`` that could be given again would inherit what others granted to it."""
        await store.commit(put_new(a_client(client_id="c")))

        with pytest.raises(ValueError, match="never removed"):
            await store.commit(Changes(deletions=(Delete("client", ISSUER_ID, "c"),)))

        assert await store.get(Client, ISSUER_ID, "c") is not None

    async def test_nothing_to_do_is_done(self, store: LoggingStore) -> None:
        """A decision without changes may be committed like any other."""
        await store.commit(Changes())

    async def test_a_closed_store_refuses(self, store: LoggingStore) -> None:
        """What arrives after the end is told so instead of waiting for ever."""
        await store.close()

        with pytest.raises(StoreUnavailable):
            await store.commit(put_new(a_client()))
        with pytest.raises(StoreUnavailable):
            await store.get(Client, ISSUER_ID, "c")


@pytest.mark.anyio
class CounterContract(BackendContract):
    """Counters: consumed inside the write, never past their limit."""

    async def test_a_counter_counts(self, store: LoggingStore) -> None:
        """The uses of a token are what was committed, no more and no less."""
        await store.commit(Changes(consumptions=(Consume(ISSUER_ID, "n", limit=10, amount=3),)))
        await store.commit(Changes(consumptions=(Consume(ISSUER_ID, "n", limit=10),)))

        assert 4 == await store.counter(ISSUER_ID, "n")

    async def test_a_counter_never_counted_is_zero(self, store: LoggingStore) -> None:
        """A new quota needs no row before its first use."""
        assert 0 == await store.counter(ISSUER_ID, "never")

    async def test_the_limit_itself_can_be_reached(self, store: LoggingStore) -> None:
        """A token for two registrations makes two."""
        await store.commit(Changes(consumptions=(Consume(ISSUER_ID, "n", limit=2, amount=2),)))

        assert 2 == await store.counter(ISSUER_ID, "n")

    @pytest.mark.parametrize(("used", "amount"), [(0, 3), (2, 1), (1, 2)])
    async def test_the_limit_is_never_passed(
        self, store: LoggingStore, used: int, amount: int
    ) -> None:
        """A token for two registrations makes no third one."""
        await store.commit(Changes(consumptions=(Consume(ISSUER_ID, "n", limit=2, amount=used),)))

        past = Changes(consumptions=(Consume(ISSUER_ID, "n", limit=2, amount=amount),))

        assert "n" == await conflict_of(store, past)
        assert used == await store.counter(ISSUER_ID, "n")

    @pytest.mark.parametrize(("given_back", "left"), [(2, 3), (5, 0), (9, 0)])
    async def test_what_is_given_back_can_be_used_again(
        self, store: LoggingStore, given_back: int, left: int
    ) -> None:
        """A deleted client frees its place in a quota, and nothing frees more than all."""
        await store.commit(Changes(consumptions=(Consume(ISSUER_ID, "n", limit=5, amount=5),)))

        back = Consume(ISSUER_ID, "n", limit=5, amount=-given_back)
        await store.commit(Changes(consumptions=(back,)))

        assert left == await store.counter(ISSUER_ID, "n")

    async def test_giving_back_never_conflicts(self, store: LoggingStore) -> None:
        """Where a quota was lowered under what is used, deleting a client still works."""
        await store.commit(Changes(consumptions=(Consume(ISSUER_ID, "n", limit=5, amount=5),)))

        back = Consume(ISSUER_ID, "n", limit=1, amount=-1)
        await store.commit(Changes(consumptions=(back,)))

        assert 4 == await store.counter(ISSUER_ID, "n")

    async def test_giving_back_to_a_new_counter_leaves_zero(self, store: LoggingStore) -> None:
        """A quota introduced later starts at nothing, not below."""
        await store.commit(Changes(consumptions=(Consume(ISSUER_ID, "n", limit=5, amount=-1),)))

        assert 0 == await store.counter(ISSUER_ID, "n")

    async def test_one_write_may_consume_a_counter_twice(self, store: LoggingStore) -> None:
        """The limit holds for the sum."""
        one = Consume(ISSUER_ID, "n", limit=3, amount=2)

        assert "n" == await conflict_of(store, Changes(consumptions=(one, one)))
        assert 0 == await store.counter(ISSUER_ID, "n")

    async def test_issuers_count_apart(self, store: LoggingStore) -> None:
        """One issuer's registrations use up nobody else's quota."""
        await store.commit(Changes(consumptions=(Consume(ISSUER_ID, "n", limit=1),)))

        await store.commit(Changes(consumptions=(Consume(OTHER_ISSUER_ID, "n", limit=1),)))

        assert 1 == await store.counter(ISSUER_ID, "n")
        assert 1 == await store.counter(OTHER_ISSUER_ID, "n")


FAILING_PARTS = {
    "absence": (Changes(puts=(Put(a_client(client_id="taken")),)), "client"),
    "revision": (Changes(puts=(Put(a_client(client_id="taken", revision=9), 8),)), "client"),
    "unchanged": (Changes(unchanged=(Unchanged("client", ISSUER_ID, "taken", 7),)), "client"),
    "counter": (Changes(consumptions=(Consume(ISSUER_ID, "used_up", limit=1),)), "used_up"),
    "event": (Changes(events=(an_event(id="019aa7f0-0000-7000-8000-000000000000"),)), "event"),
}
"""Writes that conflict with what `AtomicityContract` stored before, and over what."""


@pytest.mark.anyio
class AtomicityContract(BackendContract):
    """All or nothing, whichever part fails."""

    @pytest.mark.parametrize(("failing", "what"), FAILING_PARTS.values(), ids=FAILING_PARTS.keys())
    async def test_a_write_with_one_failing_part_leaves_nothing(
        self, store: LoggingStore, failing: Changes, what: str
    ) -> None:
        """A client without its event, or a used token without its client, must never be."""
        kept, doomed = a_client(client_id="taken"), a_spent_assertion(digest="doomed")
        await store.commit(
            Changes(
                puts=(Put(kept), Put(doomed), Put(a_client(client_id="old"))),
                consumptions=(Consume(ISSUER_ID, "used_up", limit=1),),
                events=(an_event(id="019aa7f0-0000-7000-8000-000000000000"),),
            )
        )

        good = Changes(
            puts=(
                Put(a_client(client_id="new")),
                Put(a_client(client_id="old", revision=2), expected=1),
            ),
            consumptions=(Consume(ISSUER_ID, "free", limit=1),),
            unchanged=(Unchanged("client", ISSUER_ID, "taken", 1),),
            deletions=(Delete("spent_assertion", ISSUER_ID, "doomed"),),
            events=(an_event(),),
        )
        both = Changes(
            puts=good.puts + failing.puts,
            consumptions=good.consumptions + failing.consumptions,
            unchanged=good.unchanged + failing.unchanged,
            deletions=good.deletions,
            events=good.events + failing.events,
        )

        assert what == await conflict_of(store, both)
        assert await store.get(Client, ISSUER_ID, "new") is None
        old = await store.get(Client, ISSUER_ID, "old")
        assert old is not None
        assert 1 == old.revision
        assert 0 == await store.counter(ISSUER_ID, "free")
        assert doomed == await store.get(SpentAssertion, ISSUER_ID, "doomed")
        assert 1 == len(await store.waiting(ISSUER_ID, limit=10))
        await store.commit(good)

    async def test_the_second_of_two_equal_keys_in_one_write_conflicts(
        self, store: LoggingStore
    ) -> None:
        """One write is no way around the rule that a key is taken once."""
        twice = put_new(a_client(client_id="c"), a_client(client_id="c"))

        assert "client" == await conflict_of(store, twice)
        assert await store.get(Client, ISSUER_ID, "c") is None

    async def test_one_write_reaches_several_issuers(self, store: LoggingStore) -> None:
        """Making an issuer writes its record and the event in the log of the one that made it."""
        await store.commit(
            Changes(
                puts=(Put(a_client(client_id="c")), Put(an_issuer(id=OTHER_ISSUER_ID))),
                events=(an_event(), an_event(issuer=OTHER_ISSUER_ID)),
            )
        )

        assert await store.get(Issuer, OTHER_ISSUER_ID, OTHER_ISSUER_ID) is not None
        assert 1 == len(await store.waiting(ISSUER_ID, limit=10))
        assert 1 == len(await store.waiting(OTHER_ISSUER_ID, limit=10))


class StoreContract(RecordContract, CounterContract, AtomicityContract, ListingContract):
    """Everything that `registrary.ports.store.Store` promises to one caller at a time."""
