"""Commits go together where they can, and come out as if each had gone alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from registrary.core.changes import NO_LIMIT, Changes, Consume, Delete, Put, Unchanged
from registrary.core.client import Client
from registrary.core.records import InitialAccessToken, SpentAssertion
from registrary.ports.store import Conflict
from registrary.storage.postgres import PostgresOptions, PostgresStore
from registrary.storage.postgres.address import Address
from registrary.storage.postgres.connecting import Database, Rows
from registrary.storage.postgres.watched import WATCHED
from registrary.testing.audit_log_contract import a_sequencing
from registrary.testing.factories import (
    ISSUER_ID,
    a_client,
    a_spent_assertion,
    an_event,
    an_initial_access_token,
)

pytestmark = pytest.mark.anyio


class CountedDatabase(Database):
    """A database that counts the statements by which commits go to it."""

    statements = 0

    async def commit(self, sql: str, bindings: Sequence[object], *, end: float) -> Rows:
        """Count, and commit."""
        self.statements += 1
        return await super().commit(sql, bindings, end=end)


@pytest.fixture
async def database(server_url: str) -> CountedDatabase:
    """Return the database of `counted`."""
    return CountedDatabase(Address(server_url), PostgresOptions())


@pytest.fixture
async def counted(database: CountedDatabase) -> AsyncIterator[PostgresStore]:
    """Open a store and have it write once, so that the next batch knows whom to wait for."""
    store = PostgresStore(database)
    await commit_all(store, [registration() for _ in range(20)])
    database.statements = 0
    yield store
    await store.close()


def registration(key: str | None = None, *, limit: int = NO_LIMIT) -> Changes:
    """Return what registering a client writes."""
    client = a_client() if key is None else a_client(client_id=key)
    return Changes(
        puts=(Put(client),),
        events=(an_event(client_id=client.client_id),),
        consumptions=(Consume(ISSUER_ID, "clients", limit=limit),),
    )


async def commit_all(store: PostgresStore, all_changes: Sequence[Changes]) -> list[object]:
    """Commit *all_changes* at once and return what became of each: a conflict's word, or None."""
    outcomes = await asyncio.gather(
        *(store.commit(changes) for changes in all_changes), return_exceptions=True
    )
    return [each.what if isinstance(each, Conflict) else each for each in outcomes]


async def test_a_rush_of_registrations_is_one_statement(counted, database):
    """A round trip and a flush are shared by all who come at once."""
    outcomes = await commit_all(counted, [registration() for _ in range(20)])

    assert [None] * 20 == outcomes
    assert 1 == database.statements
    assert 40 == await counted.counter(ISSUER_ID, "clients")


async def test_each_way_to_write_is_a_statement_of_its_own(counted, database):
    """What has nothing in common still goes side by side."""
    kinds = [registration() for _ in range(9)]
    kinds += [Changes(puts=(Put(a_spent_assertion(digest=str(n))),)) for n in range(9)]

    assert [None] * 18 == await commit_all(counted, kinds)
    assert 2 == database.statements


async def test_one_at_fault_among_many_is_found_by_halves(counted, database):
    """Somebody who conflicts costs the others a few round trips, not one for each of them."""
    await counted.commit(Changes(puts=(Put(a_client(client_id="taken")),)))
    database.statements = 0

    outcomes = await commit_all(
        counted, [registration("taken" if n == 5 else None) for n in range(16)]
    )

    assert ["client" if n == 5 else None for n in range(16)] == outcomes
    assert 2 * 4 + 1 == database.statements


async def test_a_used_up_counter_is_named(store):
    """A caller who used up two allowances is told of the one that is empty."""
    uses = Consume(ISSUER_ID, "uses", limit=5)
    empty = Consume(ISSUER_ID, "empty", limit=1, amount=2)

    outcomes = await commit_all(
        store,
        [
            Changes(consumptions=(uses, empty)),
            Changes(consumptions=(uses,)),
            Changes(consumptions=(empty, uses)),
        ],
    )

    assert ["empty", None, "empty"] == outcomes
    assert 1 == await store.counter(ISSUER_ID, "uses")


async def test_giving_back_and_taking_keep_their_turns(store):
    """A place that is freed can be taken by whoever comes next, not by whoever came before."""
    take = Changes(consumptions=(Consume(ISSUER_ID, "n", limit=1),))
    free = Changes(consumptions=(Consume(ISSUER_ID, "n", limit=1, amount=-1),))

    assert [None, "n", None, None, "n"] == await commit_all(store, [take, take, free, take, take])
    assert 1 == await store.counter(ISSUER_ID, "n")


async def test_a_record_is_removed_only_as_it_was_read(store):
    """A stream that was changed meanwhile is not deleted by who saw the old one."""
    token = an_initial_access_token(id="t", revision=3)
    await store.commit(Changes(puts=(Put(token),)))
    gone = (Delete(token.kind, ISSUER_ID, "t"),)

    stale = Changes(unchanged=(Unchanged(token.kind, ISSUER_ID, "t", 2),), deletions=gone)
    assert ["initial_access_token"] == await commit_all(store, [stale])
    assert token == await store.get(InitialAccessToken, ISSUER_ID, "t")

    fresh = Changes(unchanged=(Unchanged(token.kind, ISSUER_ID, "t", 3),), deletions=gone)
    assert [None, "initial_access_token"] == await commit_all(store, [fresh, fresh])
    assert await store.get(InitialAccessToken, ISSUER_ID, "t") is None


async def test_a_removed_record_can_be_made_anew_in_one_write(store):
    """What replaces a whole set of records says so in one piece."""
    old, new = a_spent_assertion(digest="d"), a_spent_assertion(digest="d", revision=7)
    await store.commit(Changes(puts=(Put(old),)))

    anew = Changes(
        puts=(Put(new), Put(a_client(client_id="c"))),
        deletions=(Delete(old.kind, ISSUER_ID, "d"),),
        events=(an_event(),),
    )
    await store.commit(anew)

    assert new == await store.get(SpentAssertion, ISSUER_ID, "d")
    assert 1 == len(await store.waiting(ISSUER_ID, limit=10))


async def test_a_write_in_steps_leaves_nothing_when_one_fails(store):
    """All or nothing, however a write has to be done."""
    token = an_initial_access_token(id="t")
    await store.commit(Changes(puts=(Put(token),)))

    twice = Changes(
        puts=(
            Put(an_initial_access_token(id="t", revision=2), expected=1),
            Put(an_initial_access_token(id="t", revision=4), expected=3),
            Put(a_client(client_id="c")),
        ),
        consumptions=(Consume(ISSUER_ID, "n", limit=1), Consume(ISSUER_ID, "n", limit=2)),
    )

    assert ["initial_access_token"] == await commit_all(store, [twice])
    assert token == await store.get(InitialAccessToken, ISSUER_ID, "t")
    assert await store.get(Client, ISSUER_ID, "c") is None
    assert 0 == await store.counter(ISSUER_ID, "n")


async def test_two_rules_for_one_counter_hold_in_turn(store):
    """The stricter limit is asked first when it stands first."""
    both = Changes(
        consumptions=(Consume(ISSUER_ID, "n", limit=1), Consume(ISSUER_ID, "n", limit=9))
    )

    # Whichever of the two comes first: they run beside each other.
    assert {None, "n"} == set(await commit_all(store, [both, both]))
    assert 2 == await store.counter(ISSUER_ID, "n")


async def test_what_the_database_cannot_hold_is_told_to_who_is_at_it(store):
    """A key that only a mistake makes is nobody else's failure."""
    outcomes = await asyncio.gather(
        store.commit(registration("a\0b")), store.commit(registration()), return_exceptions=True
    )

    assert [ValueError, type(None)] == [type(outcome) for outcome in outcomes]


async def feed_of(store: PostgresStore) -> set[tuple[str, str]]:
    """Return what nodes are told: kind and key of each change."""
    rows = await store.database.rows("SELECT kind, key FROM registrary.change")
    return {(row["kind"], row["key"]) for row in rows}


async def test_what_nodes_hold_in_memory_is_told_to_them(store):
    """A client that is suspended on one node must be so on all."""
    client, token = a_client(client_id="c"), an_initial_access_token(id="t")
    await store.commit(Changes(puts=(Put(client), Put(token), Put(a_spent_assertion(digest="d")))))
    assert set() == await feed_of(store)

    await store.commit(
        Changes(
            puts=(Put(a_client(client_id="c", revision=2), expected=1),),
            deletions=(
                Delete("initial_access_token", ISSUER_ID, "t"),
                Delete("spent_assertion", ISSUER_ID, "d"),
            ),
        )
    )

    assert {("client", "c"), ("initial_access_token", "t")} == await feed_of(store)
    assert "spent_assertion" not in WATCHED


async def test_a_write_that_fails_is_told_to_nobody(store):
    """What did not happen makes no node forget what it knows."""
    await store.commit(Changes(puts=(Put(a_client(client_id="c")),)))

    late = Changes(
        puts=(Put(a_client(client_id="c", revision=2), expected=1),),
        unchanged=(Unchanged("client", ISSUER_ID, "absent", 1),),
    )

    assert ["client"] == await commit_all(store, [late])
    assert set() == await feed_of(store)


async def test_an_event_that_comes_to_light_late_does_not_hold_up_the_log(store):
    """A commit that began earlier and ended later than others takes its turn after them.

    Where many nodes write, one such is always under way; a log that starts over each time would
    never grow.
    """
    early, late = an_event(), an_event()
    await store.commit(Changes(events=(early,)))
    seen = await store.waiting(ISSUER_ID, limit=10)
    await store.database.commit(
        "INSERT INTO registrary.waiting_event (arrival, issuer, event_id, leaf_hash, time)"
        " OVERRIDING SYSTEM VALUE VALUES (-1, $1, $2, '\\x00', 0)",
        [ISSUER_ID, late.id],
        end=store.database.now() + 5,
    )

    await store.sequence(a_sequencing([early]))

    assert [early.id] == [event.event_id for event in seen]
    assert 1 == await store.log_size(ISSUER_ID)
    assert [late.id] == [event.event_id for event in await store.waiting(ISSUER_ID, limit=10)]
