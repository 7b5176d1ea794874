"""The definition of an audit log as kept: run beside `registrary.testing.store_contract`."""

import hashlib
from collections.abc import Sequence

import pytest

from registrary.core.changes import Changes, Put
from registrary.core.events import Event
from registrary.ports.audit_log import Sequencing, Tile
from registrary.ports.store import Conflict
from registrary.testing.backend_contract import OTHER_ISSUER_ID, BackendContract, LoggingStore
from registrary.testing.factories import ISSUER_ID, a_client, an_event


async def log_events(store: LoggingStore, count: int, *, issuer: str = ISSUER_ID) -> list[Event]:
    """Commit *count* events, one in each write, and return them."""
    events = [an_event(issuer=issuer) for _ in range(count)]
    for event in events:
        await store.commit(Changes(events=(event,)))
    return events


def ids_of(events: Sequence[Event]) -> tuple[str, ...]:
    """Return the ids of *events* in their order."""
    return tuple(event.id for event in events)


def a_sequencing(
    events: Sequence[Event],
    *,
    size: int = 0,
    issuer: str = ISSUER_ID,
    tiles: tuple[Tile, ...] = (),
    checkpoint: str | None = None,
) -> Sequencing:
    """Return what gives *events* their indexes in a log of *size* leaves."""
    return Sequencing(issuer, size, ids_of(events), tiles, checkpoint)


@pytest.mark.anyio
class WaitingContract(BackendContract):
    """Events are kept as they were hashed and wait in the order of their commits."""

    async def test_events_wait_in_the_order_they_were_committed(self, store: LoggingStore) -> None:
        """The log tells what happened first, whatever the ids of events say."""
        early, late = an_event(), an_event()

        await store.commit(Changes(events=(late,)))
        await store.commit(Changes(events=(early, an_event(issuer=OTHER_ISSUER_ID))))
        waiting = await store.waiting(ISSUER_ID, limit=10)

        assert [late.id, early.id] == [event.event_id for event in waiting]
        assert [late.time, early.time] == [event.time for event in waiting]

    async def test_the_events_of_one_write_keep_their_order(self, store: LoggingStore) -> None:
        """A secret is rotated and then retired, never the other way round."""
        events = tuple(an_event() for _ in range(5))[::-1]

        await store.commit(Changes(puts=(Put(a_client()),), events=events))

        assert ids_of(events) == tuple(
            event.event_id for event in await store.waiting(ISSUER_ID, limit=10)
        )

    async def test_no_more_wait_than_are_asked_for(self, store: LoggingStore) -> None:
        """A sequencer that was away works through its backlog in portions."""
        events = await log_events(store, 3)

        waiting = await store.waiting(ISSUER_ID, limit=2)

        assert ids_of(events[:2]) == tuple(event.event_id for event in waiting)

    async def test_an_event_is_kept_with_what_its_leaf_was_made_from(
        self, store: LoggingStore
    ) -> None:
        """Whoever is given body and salt can compute the leaf and prove it in the log."""
        event = an_event(client_id="c", salt=b"0123456789abcdef")

        await store.commit(Changes(events=(event,)))
        kept = await store.event(ISSUER_ID, event.id)

        assert kept is not None
        assert kept.body is not None
        assert (event.id, None, event.time, "c", event.salt) == (
            kept.event_id,
            kept.index,
            kept.time,
            kept.client_id,
            kept.salt,
        )
        salted = hashlib.sha256(event.salt + kept.body).digest()
        assert hashlib.sha256(b"\x00" + salted).digest() == kept.leaf_hash

    @pytest.mark.parametrize("event_id", ["019aa7f0-0000-7000-8000-000000000000", "nonsense", ""])
    async def test_an_unknown_event_is_absent(self, store: LoggingStore, event_id: str) -> None:
        """An id that somebody mistyped is not an error of the store."""
        await log_events(store, 1)

        assert await store.event(ISSUER_ID, event_id) is None

    async def test_an_event_is_known_to_its_issuer_only(self, store: LoggingStore) -> None:
        """One issuer's log says nothing about another's clients."""
        (event,) = await log_events(store, 1)

        assert await store.event(OTHER_ISSUER_ID, event.id) is None
        assert [] == list(await store.waiting(OTHER_ISSUER_ID, limit=10))
        assert [] == list(await store.recent_events(OTHER_ISSUER_ID, limit=10))


@pytest.mark.anyio
class SequencingContract(BackendContract):
    """Indexes, tiles and checkpoints come in steps that nobody else took."""

    async def test_sequencing_gives_the_next_indexes(self, store: LoggingStore) -> None:
        """An index, once given, is an event's place for ever."""
        events = await log_events(store, 3)

        await store.sequence(a_sequencing(events[:2]))
        logged = await store.events(ISSUER_ID, first=0, limit=10)

        assert 2 == await store.log_size(ISSUER_ID)
        assert [(0, events[0].id), (1, events[1].id)] == [(e.index, e.event_id) for e in logged]
        assert [events[2].id] == [e.event_id for e in await store.waiting(ISSUER_ID, limit=10)]
        second = await store.event(ISSUER_ID, events[1].id)
        assert second is not None
        assert 1 == second.index

    async def test_a_log_that_grew_meanwhile_is_not_sequenced(self, store: LoggingStore) -> None:
        """Two sequencers must not give one index to two events."""
        events = await log_events(store, 2)
        await store.sequence(a_sequencing(events[:1]))

        stale = a_sequencing(events[1:], tiles=(Tile(0, 0, b"x" * 32),), checkpoint="note")
        with pytest.raises(Conflict):
            await store.sequence(stale)

        assert 1 == await store.log_size(ISSUER_ID)
        assert await store.tile(ISSUER_ID, 0, 0) is None
        assert await store.checkpoint(ISSUER_ID) is None

    @pytest.mark.parametrize("order", [(1,), (1, 0), (0, 2)], ids=["later", "swapped", "gap"])
    async def test_only_those_that_waited_longest_are_sequenced(
        self, store: LoggingStore, order: tuple[int, ...]
    ) -> None:
        """The order of the log is the order of commits, not a choice of the sequencer."""
        events = await log_events(store, 3)

        with pytest.raises(Conflict):
            await store.sequence(a_sequencing([events[place] for place in order]))

        assert 0 == await store.log_size(ISSUER_ID)

    async def test_an_event_that_does_not_exist_gets_no_index(self, store: LoggingStore) -> None:
        """A leaf without an event could not be shown to anybody."""
        with pytest.raises(Conflict):
            await store.sequence(a_sequencing([an_event()]))

    async def test_issuers_have_logs_of_their_own(self, store: LoggingStore) -> None:
        """Each issuer's indexes start at zero, however their events are mixed."""
        ours, theirs = [], []
        for _ in range(3):
            theirs += await log_events(store, 1, issuer=OTHER_ISSUER_ID)
            ours += await log_events(store, 1)

        await store.sequence(a_sequencing(ours))
        await store.sequence(a_sequencing(theirs[:1], issuer=OTHER_ISSUER_ID))
        logged = await store.events(ISSUER_ID, first=1, limit=10)

        assert (3, 1) == (await store.log_size(ISSUER_ID), await store.log_size(OTHER_ISSUER_ID))
        assert [(1, ours[1].id), (2, ours[2].id)] == [(e.index, e.event_id) for e in logged]
        assert [e.id for e in theirs[1:]] == [
            e.event_id for e in await store.waiting(OTHER_ISSUER_ID, limit=10)
        ]

    async def test_events_are_read_in_portions(self, store: LoggingStore) -> None:
        """Verifying a long log does not need it whole in memory."""
        events = await log_events(store, 5)
        await store.sequence(a_sequencing(events))

        portion = await store.events(ISSUER_ID, first=2, limit=2)
        rest = await store.events(ISSUER_ID, first=4, limit=2)

        assert [2, 3] == [event.index for event in portion]
        assert [4] == [event.index for event in rest]
        assert [] == list(await store.events(ISSUER_ID, first=5, limit=2))

    async def test_tiles_are_kept_and_replaced(self, store: LoggingStore) -> None:
        """The right edge of the tree grows; what is complete stays."""
        events = await log_events(store, 2)
        await store.sequence(a_sequencing(events[:1], tiles=(Tile(0, 0, b"a" * 32),)))

        grown, upper = Tile(0, 0, b"a" * 32 + b"b" * 32), Tile(1, 3, b"c" * 32)
        await store.sequence(a_sequencing(events[1:], size=1, tiles=(grown, upper)))

        assert grown == await store.tile(ISSUER_ID, 0, 0)
        assert upper == await store.tile(ISSUER_ID, 1, 3)
        assert await store.tile(ISSUER_ID, 0, 1) is None
        assert await store.tile(OTHER_ISSUER_ID, 0, 0) is None

    async def test_the_newest_checkpoint_is_over_the_greatest_size(
        self, store: LoggingStore
    ) -> None:
        """Checkpoints of old sizes stay: somebody may hold a proof against one."""
        events = await log_events(store, 4)
        assert await store.checkpoint(ISSUER_ID) is None

        await store.sequence(a_sequencing(events[:2], checkpoint="two"))
        await store.sequence(a_sequencing(events[2:3], size=2))
        await store.sequence(a_sequencing(events[3:], size=3, checkpoint="four"))

        assert "four" == await store.checkpoint(ISSUER_ID)
        assert "two" == await store.checkpoint(ISSUER_ID, size=2)
        assert await store.checkpoint(ISSUER_ID, size=3) is None
        assert await store.checkpoint(OTHER_ISSUER_ID) is None
        assert ["two", "four"] == list(await store.checkpoints(ISSUER_ID, after_size=0, limit=10))
        assert ["four"] == list(await store.checkpoints(ISSUER_ID, after_size=2, limit=10))
        assert ["two"] == list(await store.checkpoints(ISSUER_ID, after_size=0, limit=1))

    async def test_a_checkpoint_may_come_after_its_indexes(self, store: LoggingStore) -> None:
        """Signing may lag behind sequencing, as when the key was away."""
        await store.sequence(a_sequencing(await log_events(store, 1)))

        await store.sequence(a_sequencing((), size=1, checkpoint="one"))

        assert "one" == await store.checkpoint(ISSUER_ID)
        assert 1 == await store.log_size(ISSUER_ID)

    async def test_a_checkpoint_is_not_replaced(self, store: LoggingStore) -> None:
        """Two notes over one size would be two stories about one log."""
        await store.sequence(a_sequencing(await log_events(store, 1), checkpoint="one"))

        with pytest.raises(Conflict):
            await store.sequence(a_sequencing((), size=1, checkpoint="another"))

        assert "one" == await store.checkpoint(ISSUER_ID, size=1)


@pytest.mark.anyio
class RecentEventsContract(BackendContract):
    """The newest events first, of all clients or of one."""

    async def test_recent_events_come_newest_first(self, store: LoggingStore) -> None:
        """People look at what just happened, whether the sequencer came by or not."""
        events = await log_events(store, 3)
        await store.sequence(a_sequencing(events[:1]))

        recent = await store.recent_events(ISSUER_ID, limit=10)

        assert [e.id for e in events[::-1]] == [e.event_id for e in recent]
        assert [None, None, 0] == [e.index for e in recent]

    async def test_recent_events_go_on_below_an_id(self, store: LoggingStore) -> None:
        """A page of events leads to the one before it."""
        events = await log_events(store, 4)

        page = await store.recent_events(ISSUER_ID, before=events[3].id, limit=2)

        assert [events[2].id, events[1].id] == [e.event_id for e in page]

    @pytest.mark.parametrize("before", ["nonsense", "ffffffff", ""])
    async def test_nothing_is_below_what_is_no_event_id(
        self, store: LoggingStore, before: str
    ) -> None:
        """A cursor that somebody mistyped leads to an empty page, not to an error of the store."""
        await log_events(store, 1)

        assert [] == list(await store.recent_events(ISSUER_ID, before=before, limit=10))

    @pytest.mark.parametrize("client_id", ["c\0", "\0"])
    async def test_a_client_that_nobody_could_be_has_no_events(
        self, store: LoggingStore, client_id: str
    ) -> None:
        """An id that somebody made up is about nobody."""
        await store.commit(Changes(events=(an_event(client_id="c"),)))

        assert [] == list(await store.recent_events(ISSUER_ID, client_id=client_id, limit=10))

    async def test_recent_events_of_a_client_are_about_that_client(
        self, store: LoggingStore
    ) -> None:
        """What others did is nobody's business on a client's page."""
        events = [an_event(client_id=client_id) for client_id in ("c", "d", None, "c", "c")]
        for event in events:
            await store.commit(Changes(events=(event,)))

        of_c = await store.recent_events(ISSUER_ID, client_id="c", limit=10)
        earlier = await store.recent_events(ISSUER_ID, client_id="c", before=events[4].id, limit=1)

        assert [events[4].id, events[3].id, events[0].id] == [e.event_id for e in of_c]
        assert [events[3].id] == [e.event_id for e in earlier]


class AuditLogContract(WaitingContract, SequencingContract, RecentEventsContract):
    """Everything that `registrary.ports.audit_log.AuditLog` promises."""
