"""A batch is one transaction, and what is wrong with one piece of work stays with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from registrary.core.changes import Changes, Consume, Put
from registrary.core.client import Client
from registrary.ports.store import Conflict, StoreUnavailable
from registrary.storage.sqlite import SqliteStore, open_sqlite
from registrary.storage.sqlite.connection import connect_writer
from registrary.storage.sqlite.transaction import Entangled, Transaction, write_together
from registrary.storage.sqlite.work import ChangesWork
from registrary.storage.sqlite.writer import WriteConnection
from registrary.testing.factories import ISSUER_ID, a_client, an_event


class Clumsy:
    """Work that writes and then fails for a reason of its own."""

    def apply(self, transaction: Transaction) -> None:
        ChangesWork(Changes(puts=(Put(a_client(client_id="clumsy")),))).apply(transaction)
        transaction.change("UPDATE counter SET used = used + 1", ())
        raise ArithmeticError("clumsy")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """Open a store for one test."""
    store = open_sqlite(tmp_path / "store.db")
    yield store
    await store.close()


def registration(client_id: str, *, limit: int = 1000) -> ChangesWork:
    """Return the work of a client with its event and its count."""
    return ChangesWork(
        Changes(
            puts=(Put(a_client(client_id=client_id)),),
            events=(an_event(),),
            consumptions=(Consume(ISSUER_ID, "n", limit=limit),),
        )
    )


@pytest.mark.anyio
async def test_a_bug_in_one_piece_of_work_reaches_its_owner_only(store):
    """One request that cannot be written must not turn its neighbours away."""
    connection = WriteConnection(store.path)

    outcomes = connection.write([registration("a"), Clumsy(), registration("b")])
    connection.close()

    assert [type(None), ArithmeticError, type(None)] == [type(outcome) for outcome in outcomes]
    assert await store.get(Client, ISSUER_ID, "clumsy") is None
    assert 2 == await store.counter(ISSUER_ID, "n")
    assert 2 == len(await store.waiting(ISSUER_ID, limit=10))


@pytest.mark.anyio
async def test_a_conflict_after_a_write_is_undone_alone(store):
    """The count of a client whose id was taken is given back, its neighbours' counts stay."""
    connection = WriteConnection(store.path)

    outcomes = connection.write([registration("a"), registration("a"), registration("b")])
    connection.close()

    assert [False, True, False] == [isinstance(outcome, Conflict) for outcome in outcomes]
    assert 2 == await store.counter(ISSUER_ID, "n")
    assert 2 == len(await store.waiting(ISSUER_ID, limit=10))


@pytest.mark.anyio
async def test_a_conflict_before_any_write_keeps_the_batch_together(store):
    """Fifty that race for one use do not make everybody's commit twice as dear."""
    batch = [registration(client_id, limit=1) for client_id in ("a", "b", "c")]

    with closing(connect_writer(store.path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        outcomes = write_together(connection, batch)
        connection.execute("COMMIT")

    assert [False, True, True] == [isinstance(outcome, Conflict) for outcome in outcomes]
    assert 1 == await store.counter(ISSUER_ID, "n")


@pytest.mark.anyio
async def test_what_must_be_undone_is_not_written_together(store):
    """Without savepoints there is no going back by half."""
    with closing(connect_writer(store.path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(Entangled):
            write_together(connection, [registration("a"), registration("a")])


@pytest.mark.anyio
async def test_those_who_commit_at_once_share_a_commit(store):
    """Two hundred at once do not take two hundred turns of the disk."""
    with closing(connect_writer(store.path)) as onlooker:
        before = onlooker.pragma("data_version")
        seen = {before}

        async def look() -> None:
            while True:
                seen.add(onlooker.pragma("data_version"))
                await asyncio.sleep(0)

        looking = asyncio.ensure_future(look())
        await asyncio.gather(*(store.commit(Changes(puts=(Put(a_client()),))) for _ in range(200)))
        looking.cancel()

    assert len(seen) <= 4


@pytest.mark.anyio
async def test_a_file_locked_for_too_long_is_an_outage(store, monkeypatch):
    """A backup tool that sits on the file is named as the reason, and then it goes on."""
    monkeypatch.setattr("registrary.storage.sqlite.connection.WRITER_BUSY_MILLISECONDS", 50)

    with closing(connect_writer(store.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another process keeps it locked"):
            await store.commit(Changes(puts=(Put(a_client(client_id="a")),)))
        other.execute("ROLLBACK")

    await store.commit(Changes(puts=(Put(a_client(client_id="a")),)))


@pytest.mark.anyio
async def test_what_cannot_be_stored_is_refused_before_it_waits(store):
    """A value that has no JSON form is a mistake of the caller, told where it was made."""
    with pytest.raises(TypeError):
        await store.commit(Changes(puts=(Put(a_client(metadata={"x": object()})),)))


@pytest.mark.anyio
async def test_closing_twice_is_closing(store):
    """Two parts of a server that both clean up do not disturb each other."""
    await store.commit(Changes(puts=(Put(a_client()),)))

    await store.close()
    await store.close()
