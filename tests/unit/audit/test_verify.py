"""A log that was tampered with where it is kept is found out, and the place is named."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registrary.audit.faults import Fault, FaultKind, Verdict
from registrary.audit.merkle import EMPTY_ROOT, HASH_BYTES
from registrary.audit.record import leaf_hash
from registrary.audit.verify import MAX_FAULTS, Delays, LogVerifier, verify_log
from tests.unit.audit.logs import (
    ISSUER,
    ORIGIN,
    SIGNER,
    START,
    STRANGER,
    Log,
    StoredEvent,
    a_log,
    complete_export,
    stored,
)

DELAYS = Delays(merge=timedelta(seconds=1), checkpoint=timedelta(seconds=60))
LATER = START + timedelta(days=1)


@dataclass(frozen=True)
class Waiting:
    """An event without an index."""

    event_id: str
    time: datetime


def verdict_on(
    log: Log,
    *,
    head_size: int | None = None,
    waiting: Sequence[Waiting] = (),
    now: datetime = LATER,
) -> Verdict:
    """Verify *log* as a store holds it."""
    return verify_log(
        ISSUER,
        ORIGIN,
        keys=[SIGNER.key],
        head_size=len(log.entries) if head_size is None else head_size,
        checkpoints=[note for _, note in sorted(log.notes.items())],
        events=log.entries,
        tile=log.tiles.get,
        waiting=waiting,
        now=now,
        delays=DELAYS,
    )


def places(verdict: Verdict) -> list[tuple[FaultKind, int | None]]:
    """Return kind and index of each fault."""
    return [(fault.kind, fault.index) for fault in verdict.faults]


@pytest.mark.parametrize("batches", [(), (0,), (1,), (2, 3), (255, 1, 1), (700, 65_000, 9)])
def test_a_sound_log_is_found_sound(batches):
    """The command runs every night; it must be quiet when nothing is wrong."""
    log = a_log(*batches)
    size = sum(batches)

    verdict = verdict_on(log)

    assert Verdict(
        size=size,
        root=log.frontier.root,
        faults=(),
        events=size,
        erased=0,
        checkpoints=len(batches),
    ) == (verdict)


def test_an_erased_event_leaves_the_log_sound():
    """Personal data can go without anyone having to explain a broken log."""
    log = a_log(5)
    log.erase(2)

    verdict = verdict_on(log)

    assert ((), 1) == (verdict.faults, verdict.erased)


def with_event(index: int, /, **columns: object) -> Callable[[Log], None]:
    """Change columns of a stored event."""

    def spoil(log: Log) -> None:
        log.entries[index] = replace(log.entries[index], **columns)  # type: ignore[arg-type]  # the table gives each its type

    return spoil


def rewrite(log: Log) -> None:
    """Change an event and its leaf so that they fit, as who owns the database can."""
    entry = log.entries[300]
    assert entry.body is not None
    assert entry.salt is not None
    body = entry.body.replace(b"192.0.2.1", b"192.0.2.9")
    log.entries[300] = replace(entry, body=body, leaf_hash=leaf_hash(entry.salt, body))


def drop_tail(log: Log) -> None:
    """Remove the newest events, but not what was signed over them."""
    del log.entries[400:]


def remove_event(log: Log) -> None:
    """Remove an event from the middle."""
    del log.entries[7]


def repeat_event(log: Log) -> None:
    """Give an event a second time."""
    log.entries.insert(7, log.entries[7])


def change_tile(log: Log) -> None:
    """Change one hash of a full tile."""
    hashes = log.tiles[0, 0]
    log.tiles[0, 0] = hashes[: 7 * HASH_BYTES] + bytes(HASH_BYTES) + hashes[8 * HASH_BYTES :]


def change_upper_tile(log: Log) -> None:
    """Change the tile that covers the full one."""
    log.tiles[1, 0] = bytes(HASH_BYTES)


def lose_tile(log: Log) -> None:
    """Lose the tile at the edge."""
    del log.tiles[0, 1]


def cut_tile(log: Log) -> None:
    """Lose the last hash of the tile at the edge."""
    log.tiles[0, 1] = log.tiles[0, 1][:-HASH_BYTES]


def tear_tile(log: Log) -> None:
    """Leave half a hash at the end of a tile."""
    log.tiles[0, 1] += b"half"


def sign_by_stranger(log: Log) -> None:
    """Put another key's checkpoint in the place of ours."""
    log.sign(signer=STRANGER)


def sign_other_log(log: Log) -> None:
    """Put another log's checkpoint in the place of ours."""
    log.sign(origin="other.example/audit")


def spoil_note(log: Log) -> None:
    """Damage a checkpoint."""
    log.notes[500] = log.notes[500][:-1]


def sign_other_root(log: Log) -> None:
    """Sign a checkpoint over events that are not the ones in the log."""
    frontier = log.frontier
    log.frontier = replace(frontier, peaks=(bytes(HASH_BYTES), *frontier.peaks[1:]))
    log.sign()
    log.frontier = frontier


OTHER_ID = "0197f5f0-0000-7000-8000-00000000ffff"

FAULTS: dict[str, tuple[Callable[[Log], None], list[tuple[FaultKind, int | None]]]] = {
    "body-changed": (with_event(7, body=b"{}"), [(FaultKind.LEAF, 7)]),
    "salt-changed": (with_event(7, salt=bytes(16)), [(FaultKind.LEAF, 7)]),
    "salt-shortened": (with_event(7, salt=b""), [(FaultKind.LEAF, 7)]),
    "leaf-changed": (
        with_event(7, leaf_hash=bytes(32)),
        [(FaultKind.LEAF, 7), (FaultKind.ROOT, None), (FaultKind.TILE, 7), (FaultKind.TILE, None)],
    ),
    "event-rewritten": (
        rewrite,
        [(FaultKind.ROOT, None), (FaultKind.TILE, 300)],
    ),
    "id-changed": (with_event(7, event_id=OTHER_ID), [(FaultKind.MEMBER, 7)]),
    "client-changed": (with_event(7, client_id="other"), [(FaultKind.MEMBER, 7)]),
    "client-removed": (with_event(7, client_id=None), [(FaultKind.MEMBER, 7)]),
    "time-changed": (with_event(7, time=START), [(FaultKind.MEMBER, 7)]),
    "body-erased-salt-left": (with_event(7, body=None), [(FaultKind.MALFORMED, 7)]),
    "salt-erased-body-left": (with_event(7, salt=None), [(FaultKind.MALFORMED, 7)]),
    "event-removed": (remove_event, [(FaultKind.ORDER, 8)]),
    "event-twice": (repeat_event, [(FaultKind.ORDER, 7)]),
    "event-without-index": (with_event(499, index=None), [(FaultKind.ORDER, None)]),
    "tail-removed": (drop_tail, [(FaultKind.SIZE, None), (FaultKind.SIZE, None)]),
    "tile-changed": (change_tile, [(FaultKind.TILE, 7)]),
    "upper-tile-changed": (change_upper_tile, [(FaultKind.TILE, None)]),
    "tile-lost": (lose_tile, [(FaultKind.TILE, None)]),
    "tile-cut": (cut_tile, [(FaultKind.TILE, None)]),
    "tile-torn": (tear_tile, [(FaultKind.TILE, None)]),
    "checkpoint-of-a-stranger": (sign_by_stranger, [(FaultKind.SIGNATURE, None)]),
    "checkpoint-of-another-log": (sign_other_log, [(FaultKind.SIGNATURE, None)]),
    "checkpoint-damaged": (spoil_note, [(FaultKind.SIGNATURE, None)]),
    "checkpoint-over-other-events": (sign_other_root, [(FaultKind.ROOT, None)]),
}


@pytest.mark.parametrize(("spoil", "expected"), FAULTS.values(), ids=FAULTS)
def test_tampering_is_found(spoil, expected):
    """Whoever can write to the database must not be able to change what happened."""
    log = a_log(300, 100, 100)
    spoil(log)

    verdict = verdict_on(log, head_size=500, now=START)

    assert expected == places(verdict)


def test_a_rewritten_event_is_narrowed_down_by_checkpoint_and_tile():
    """The tile still holds the hash of what was really there, so the very event is named."""
    log = a_log(300, 100, 100)
    rewrite(log)

    sentences = [fault.sentence for fault in verdict_on(log, now=START).faults]

    assert [
        "the events with indexes 300 to 399 are not those a checkpoint was signed over",
        "tile 1 of level 0 differs from the events in its entry 44",
    ] == sentences


def test_a_log_cut_back_contradicts_its_checkpoints():
    """Removing the newest events to hide them leaves what was signed over them."""
    log = a_log(300, 100, 100)
    drop_tail(log)

    fault = verdict_on(log, head_size=400).faults[0]

    assert (500, "a checkpoint covers 500 events, but only 400 are there") == (
        fault.size,
        fault.sentence,
    )


@pytest.mark.parametrize("head_size", [0, 2, 4])
def test_the_size_must_be_the_number_of_events(head_size):
    """The sequencer goes on from the size: a wrong one would make it skip or repeat indexes."""
    verdict = verdict_on(a_log(3), head_size=head_size)

    assert [FaultKind.SIZE] == [fault.kind for fault in verdict.faults]


def test_a_log_that_grows_meanwhile_is_sound():
    """The command runs beside the server, which does not stop for it."""
    log = a_log(3)
    verifier = LogVerifier(ISSUER, ORIGIN, keys=[SIGNER.key], head_size=3)
    verifier.add_checkpoints([log.notes[3]])
    verifier.add_events(log.entries[:3])

    log.grow(2)
    verifier.add_checkpoints([log.notes[5]])
    verifier.add_events(log.entries[3:])
    verifier.end_of_events()
    log.grow(1)  # after the events were read, before the tiles are
    for tile_id in verifier.due_tiles():
        verifier.check_tile(tile_id, log.tiles.get(tile_id))

    verdict = verifier.verdict(head_size=6, waiting=[], now=LATER, delays=DELAYS)
    assert ((), 5, 5) == (verdict.faults, verdict.size, verdict.events)


def test_a_tile_that_was_not_compared_is_not_taken_for_sound():
    """Forgetting a step must not look like success."""
    log = a_log(3)
    verifier = LogVerifier(ISSUER, ORIGIN, keys=[SIGNER.key], head_size=3)
    verifier.add_checkpoints(log.notes.values())
    verifier.add_events(log.entries)
    verifier.end_of_events()

    verdict = verifier.verdict(head_size=3, waiting=[], now=LATER, delays=DELAYS)

    assert [FaultKind.TILE] == [fault.kind for fault in verdict.faults]


@pytest.mark.parametrize(("age", "is_late"), [(0, False), (1, False), (2, True)])
def test_an_event_must_get_its_index_in_time(age, is_late):
    """An event that never enters the log could still be removed without a trace."""
    waiting = Waiting(OTHER_ID, START)

    verdict = verdict_on(a_log(0), waiting=[waiting], now=START + timedelta(seconds=age))

    expected = [(FaultKind.WAITING, OTHER_ID)] if is_late else []
    assert expected == [(fault.kind, fault.event_id) for fault in verdict.faults]


@pytest.mark.parametrize(("age", "is_late"), [(59, False), (63, False), (64, True)])
def test_an_event_must_be_covered_by_a_checkpoint_in_time(age, is_late):
    """Until it is signed, an event with an index is protected by nothing."""
    log = a_log(3, 2)
    del log.notes[5]

    verdict = verdict_on(log, now=START + timedelta(seconds=age))

    assert ([(FaultKind.WAITING, 3)] if is_late else []) == places(verdict)
    assert 3 == verdict.size


def test_a_log_without_a_checkpoint_proves_nothing():
    """The verdict does not name a root that nobody signed."""
    log = a_log(3)
    log.notes.clear()

    verdict = verdict_on(log)

    assert (0, EMPTY_ROOT, [(FaultKind.WAITING, 0)]) == (
        verdict.size,
        verdict.root,
        places(verdict),
    )


def test_checkpoints_are_taken_in_order():
    """One that arrives late could no longer be compared, so it is not passed over in silence."""
    log = a_log(1, 1)
    verifier = LogVerifier(ISSUER, ORIGIN, keys=[SIGNER.key], head_size=2)

    verifier.add_checkpoints([log.notes[2], log.notes[1]])
    verifier.add_events(log.entries)

    verdict = verifier.verdict(head_size=2, waiting=[], now=START, delays=DELAYS)
    assert FaultKind.ORDER in {fault.kind for fault in verdict.faults}
    assert (2, 2) == (verifier.claimed_size, verifier.size)


def test_a_store_that_answers_with_the_events_of_another_issuer_is_found_out():
    """Several issuers share a store; their logs must not run into each other."""
    verifier = LogVerifier("other", ORIGIN, keys=[SIGNER.key], head_size=1)

    verifier.add_events([stored(0)])
    verifier.end_of_events()

    verdict = verifier.verdict(head_size=1, waiting=[], now=START, delays=DELAYS)
    assert (FaultKind.MEMBER, 0) in places(verdict)


@pytest.mark.parametrize(
    "said", [b'"time":"2026-03-01T00:00:07"', b'"time":"yesterday"', b'"time":7']
)
def test_an_event_with_an_odd_time_is_a_fault_not_a_crash(said):
    """The verifier reads what somebody else may have written."""
    log = Log()
    entry = stored(0)
    assert entry.body is not None
    assert entry.salt is not None
    body = entry.body.replace(b'"time":"2026-03-01T00:00:00Z"', said)
    log.entries.append(replace(entry, body=body, leaf_hash=leaf_hash(entry.salt, body)))

    verdict = verdict_on(log, now=START)

    assert {FaultKind.MEMBER, FaultKind.MALFORMED} & {fault.kind for fault in verdict.faults}


def test_the_list_of_faults_has_an_end():
    """A log that is damaged from its first event on is reported, not printed whole."""
    log = a_log(300)
    log.entries = [replace(entry, salt=bytes(16)) for entry in log.entries]

    assert MAX_FAULTS == len(verdict_on(log).faults)


@given(st.integers(0, 299), st.integers(0, 2000), st.sampled_from(["body", "salt", "leaf_hash"]))
@settings(deadline=None, max_examples=100)
def test_any_flipped_bit_is_found_where_it_is(index, bit, column):
    """The promise of the log: not one bit changes unnoticed."""
    log = Log(
        entries=list(PRISTINE.entries),
        tiles=PRISTINE.tiles,
        notes=PRISTINE.notes,
        frontier=PRISTINE.frontier,
    )
    entry = log.entries[index]
    log.entries[index] = replace(entry, **{column: flipped(getattr(entry, column), bit)})

    verdict = verdict_on(log)

    assert (FaultKind.LEAF, index) == places(verdict)[0]


@given(st.sampled_from([(0, 0), (0, 1), (1, 0)]), st.integers(0, 8 * 8192 - 1))
@settings(deadline=None, max_examples=50)
def test_any_flipped_bit_of_a_tile_is_found(tile_id, bit):
    """Proofs are made from tiles; a wrong one would make every proof fail, or worse."""
    tiles = dict(PRISTINE.tiles)
    tiles[tile_id] = flipped(tiles[tile_id], bit)
    log = replace(PRISTINE, tiles=tiles)

    assert [FaultKind.TILE] == [fault.kind for fault in verdict_on(log).faults]


PRISTINE = a_log(300)


def flipped(octets: bytes, bit: int) -> bytes:
    """Return *octets* with one bit changed."""
    bit %= 8 * len(octets)
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_what_the_store_holds_can_be_exported_and_read_back():
    """The same entries serve both verifications."""
    log = a_log(2)

    assert all(isinstance(entry, StoredEvent) for entry in log.entries)
    assert 5 == len(complete_export(log))


def test_a_fault_reads_as_a_sentence():
    """The command prints faults as they are."""
    fault = Fault(FaultKind.LEAF, "it was changed", index=7, event_id=OTHER_ID)

    assert f"index 7, event {OTHER_ID}: it was changed" == str(fault)
    assert "it was changed" == str(Fault(FaultKind.SIZE, "it was changed", size=3))


def test_times_are_compared_as_moments():
    """A store may give a time back in another spelling of the same moment."""
    log = a_log(1)
    other_zone = log.entries[0].time.astimezone(UTC)
    log.entries[0] = replace(log.entries[0], time=other_zone)

    assert verdict_on(log).is_sound
