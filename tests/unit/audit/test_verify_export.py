"""Whatever is wrong with an export is found, by our verifier and by the one that stands alone."""

import copy
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registrary.audit import offline_verifier
from registrary.audit.canonical import canonical
from registrary.audit.checkpoint import VerifierKey
from registrary.audit.export import ExportError, event_line, header_line
from registrary.audit.faults import FaultKind, Verdict
from registrary.audit.merkle import EMPTY, extend
from registrary.audit.record import leaf_hash
from registrary.audit.verify_export import verify_export
from tests.unit.audit.logs import (
    ISSUER,
    ORIGIN,
    SIGNER,
    STRANGER,
    Log,
    a_log,
    complete_export,
    stored,
    subset_export,
)

Spoil = Callable[[list[bytes]], list[bytes]]


def verdict_on(
    lines: Sequence[bytes], *, keys: Sequence[VerifierKey] = (), previous: str | None = None
) -> Verdict:
    """Return our verdict, after seeing that the offline verifier judges alike."""
    verdict = verify_export(io.BytesIO(b"".join(lines)), keys=keys, previous=previous)
    code, sentences = offline_verifier.verify(
        io.BytesIO(b"".join(lines)),
        [str(key) for key in keys],
        None if previous is None else previous.encode(),
    )
    assert (0 if verdict.is_sound else 1) == code, sentences
    return verdict


def changed(line: bytes, **members: object) -> bytes:
    """Return *line* with other values of *members*; None takes one away."""
    value: dict[str, Any] = {**msgspec.json.decode(line), **members}
    return canonical({name: each for name, each in value.items() if each is not None}) + b"\n"


def test_a_sound_export_is_found_sound():
    """The verdict says what was verified: how much, up to which root."""
    log = a_log(0, 2, 3)
    log.erase(1)

    verdict = verdict_on(complete_export(log), keys=[SIGNER.key])

    assert Verdict(
        size=5, root=log.frontier.root, faults=(), events=5, erased=1, checkpoints=3
    ) == (verdict)


def test_a_sound_subset_is_found_sound():
    """An auditor gets a sample, not everybody's data, and can still check it."""
    log = a_log(2, 3, 300)
    log.erase(4)

    verdict = verdict_on(subset_export(log, [0, 4, 200, 304]), keys=[SIGNER.key])

    assert ((), 4, 1, 305) == (verdict.faults, verdict.events, verdict.erased, verdict.size)


def test_an_empty_log_is_sound_too():
    """The first checkpoint is signed before anything happens."""
    assert verdict_on(complete_export(a_log(0))).is_sound
    assert verdict_on(subset_export(a_log(0, 2), [1])).is_sound


def at(place: int, **members: object) -> Spoil:
    """Change members of the line at *place*."""
    return lambda lines: [*lines[:place], changed(lines[place], **members), *lines[place + 1 :]]


def without(*places: int) -> Spoil:
    """Leave lines out."""
    return lambda lines: [line for place, line in enumerate(lines) if place not in places]


def order(*places: int) -> Spoil:
    """Put lines in another order, some perhaps twice."""
    return lambda lines: [lines[place] for place in places]


def both(first: Spoil, second: Spoil) -> Spoil:
    """Do one, then the other."""
    return lambda lines: second(first(lines))


def rewritten(lines: list[bytes]) -> list[bytes]:
    """Change an event and its leaf so that they fit each other."""
    line = msgspec.json.decode(lines[2])
    text = line["event"].replace("192.0.2.1", "192.0.2.9")
    entry = stored(1)
    assert entry.salt is not None
    leaf = leaf_hash(entry.salt, text.encode())
    return at(2, event=text, leaf=msgspec.to_builtins(leaf))(lines)


NO_LEAF = "A" * 43 + "="
NOTE = 4  # in the complete export below: header 0, events 1 to 3, checkpoint 4, end 5

COMPLETE_FAULTS: dict[str, tuple[Spoil, FaultKind, int, int | None]] = {
    "event-changed": (
        lambda lines: [line.replace(b"192.0.2.1", b"192.0.2.2", 1) for line in lines],
        FaultKind.LEAF,
        2,
        0,
    ),
    "leaf-changed": (at(2, leaf=NO_LEAF), FaultKind.LEAF, 3, 1),
    "leaf-too-short": (at(2, leaf="AAAA"), FaultKind.MALFORMED, 3, 1),
    "salt-changed": (at(2, salt="A" * 22 + "=="), FaultKind.LEAF, 3, 1),
    "salt-too-short": (at(2, salt="AAAA"), FaultKind.LEAF, 3, 1),
    "event-and-leaf-changed": (rewritten, FaultKind.ROOT, 5, None),
    "other-id": (at(2, id="0197f5f0-0000-7000-8000-000000000009"), FaultKind.MEMBER, 3, 1),
    "other-time": (at(2, time="2026-03-01T00:00:09Z"), FaultKind.MEMBER, 3, 1),
    "other-issuer": (at(0, issuer="fedcba9876"), FaultKind.MEMBER, 2, 0),
    "event-left-out": (without(2), FaultKind.ORDER, 3, 2),
    "event-left-out-and-renumbered": (
        both(without(2), at(2, index=1)),
        FaultKind.ORDER,
        4,
        None,
    ),
    "last-event-left-out": (without(3), FaultKind.ORDER, 4, None),
    "events-swapped": (order(0, 2, 1, 3, 4, 5), FaultKind.ORDER, 2, 1),
    "event-twice": (order(0, 1, 1, 2, 3, 4, 5), FaultKind.ORDER, 3, 0),
    "erased-but-said": (at(2, erased=True), FaultKind.MALFORMED, 3, 1),
    "neither-erased-nor-said": (
        at(2, event=None, id=None, salt=None, time=None),
        FaultKind.MALFORMED,
        3,
        1,
    ),
    "half-erased": (at(2, salt=None, erased=True), FaultKind.MALFORMED, 3, 1),
    "salt-alone-erased": (at(2, salt=None), FaultKind.MALFORMED, 3, 1),
    "erased-in-a-lie": (
        at(2, event=None, id=None, salt=None, time=None, erased=True, leaf=NO_LEAF),
        FaultKind.ROOT,
        5,
        None,
    ),
    "proof-in-a-complete-export": (at(2, proof=[], size=3), FaultKind.MALFORMED, 3, 1),
    "consistency-in-a-complete-export": (at(NOTE, consistency=[]), FaultKind.MALFORMED, 5, None),
    "no-header": (without(0), FaultKind.ORDER, 1, None),
    "two-headers": (order(0, 0, 1, 2, 3, 4, 5), FaultKind.ORDER, 2, None),
    "other-format": (at(0, format="registrary-audit-export/2"), FaultKind.MALFORMED, 1, None),
    "other-selection": (at(0, selection="some"), FaultKind.MALFORMED, 1, None),
    "called-a-subset": (at(0, selection="subset"), FaultKind.MALFORMED, 2, 0),
    "other-origin": (at(0, origin="other.example/audit"), FaultKind.SIGNATURE, 5, None),
    "no-key": (at(0, keys=[]), FaultKind.SIGNATURE, 5, None),
    "key-of-a-stranger": (at(0, keys=[str(STRANGER.key)]), FaultKind.SIGNATURE, 5, None),
    "key-mistyped": (at(0, keys=[f"{SIGNER.key}A"]), FaultKind.MALFORMED, 1, None),
    "signed-by-a-stranger": (
        at(NOTE, note=a_log(3).sign(signer=STRANGER)),
        FaultKind.SIGNATURE,
        5,
        None,
    ),
    "checkpoint-is-no-note": (at(NOTE, note="3\n"), FaultKind.SIGNATURE, 5, None),
    "checkpoint-of-a-shorter-log": (at(NOTE, note=a_log(2).notes[2]), FaultKind.ORDER, 5, None),
    "checkpoint-twice": (order(0, 1, 2, 3, 4, 4, 5), FaultKind.ORDER, 6, None),
    "no-checkpoint": (both(without(NOTE), at(4, checkpoints=0)), FaultKind.SIGNATURE, 5, None),
    "checkpoint-left-out": (without(NOTE), FaultKind.TRUNCATED, 5, None),
    "end-left-out": (without(5), FaultKind.TRUNCATED, 6, None),
    "end-says-more": (at(5, events=4), FaultKind.TRUNCATED, 6, None),
    "line-after-the-end": (order(0, 1, 2, 3, 4, 5, 5), FaultKind.ORDER, 7, None),
    "empty-file": (lambda _: [], FaultKind.TRUNCATED, 1, None),
    "cut-inside-a-line": (
        lambda lines: [*lines[:2], lines[2][:-1]],
        FaultKind.MALFORMED,
        3,
        None,
    ),
    "blank-line": (lambda lines: [lines[0], b"\n", *lines[1:]], FaultKind.MALFORMED, 2, None),
    "spaces": (
        lambda lines: [lines[0].replace(b",", b", ", 1), *lines[1:]],
        FaultKind.MALFORMED,
        1,
        None,
    ),
    "windows-line-ends": (
        lambda lines: [line.replace(b"\n", b"\r\n") for line in lines],
        FaultKind.MALFORMED,
        1,
        None,
    ),
    "member-twice": (
        lambda lines: [lines[0].replace(b"{", b'{"format":"x",', 1), *lines[1:]],
        FaultKind.MALFORMED,
        1,
        None,
    ),
    "unknown-member": (at(2, extra=1), FaultKind.MALFORMED, 3, None),
    "unknown-kind": (at(2, kind="note"), FaultKind.MALFORMED, 3, None),
    "index-is-a-fraction": (
        lambda lines: [lines[0], lines[1].replace(b'"index":0', b'"index":0.0'), *lines[2:]],
        FaultKind.MALFORMED,
        2,
        None,
    ),
    "index-is-true": (at(2, index=True), FaultKind.MALFORMED, 3, None),
    "negative-index": (at(1, index=-1), FaultKind.MALFORMED, 2, None),
    "half-a-character": (
        lambda lines: [lines[0].replace(b"as.example", b"\\ud800", 1), *lines[1:]],
        FaultKind.MALFORMED,
        1,
        None,
    ),
    "no-utf-8": (
        lambda lines: [lines[0].replace(b"as.example", b"\xff", 1), *lines[1:]],
        FaultKind.MALFORMED,
        1,
        None,
    ),
    "endless-nesting": (
        lambda lines: [lines[0], b"[" * 100_000 + b"]" * 100_000 + b"\n", *lines[1:]],
        FaultKind.MALFORMED,
        2,
        None,
    ),
}


@pytest.mark.parametrize(
    ("spoil", "kind", "line", "index"), COMPLETE_FAULTS.values(), ids=COMPLETE_FAULTS
)
def test_a_fault_is_found_where_it_is(spoil, kind, line, index):
    """Who has to act on a fault must not have to search a million lines for it."""
    lines = spoil(complete_export(a_log(3)))

    verdict = verdict_on(lines)

    assert [(kind, line, index)] == [
        (fault.kind, fault.line, fault.index) for fault in verdict.faults
    ]


FIRST, SECOND, EVENT = 1, 2, 3  # in the subset below: two checkpoints, events 3 and 4, end 5

SUBSET_FAULTS: dict[str, tuple[Spoil, FaultKind, int, int | None]] = {
    "proof-missing": (at(EVENT, proof=None), FaultKind.MALFORMED, 4, 1),
    "size-missing": (at(EVENT, size=None), FaultKind.MALFORMED, 4, 1),
    "proof-empty": (at(EVENT, proof=[]), FaultKind.PROOF, 4, 1),
    "proof-of-another": (at(EVENT, proof=[NO_LEAF] * 3), FaultKind.PROOF, 4, 1),
    "proof-no-hash": (at(EVENT, proof=["AAAA"]), FaultKind.PROOF, 4, 1),
    "other-index": (at(EVENT, index=0), FaultKind.PROOF, 4, 0),
    "for-the-older-checkpoint": (at(EVENT, size=2), FaultKind.PROOF, 4, 1),
    "for-no-checkpoint": (at(EVENT, size=3), FaultKind.PROOF, 4, 1),
    "events-swapped": (order(0, 1, 2, 4, 3, 5), FaultKind.ORDER, 5, 1),
    "event-twice": (order(0, 1, 2, 3, 3, 4, 5), FaultKind.ORDER, 5, 1),
    "consistency-missing": (at(SECOND, consistency=None), FaultKind.PROOF, 3, None),
    "consistency-empty": (at(SECOND, consistency=[]), FaultKind.PROOF, 3, None),
    "consistency-with-nothing": (at(FIRST, consistency=[]), FaultKind.MALFORMED, 2, None),
    "consistency-spoilt": (at(SECOND, consistency=[NO_LEAF] * 3), FaultKind.PROOF, 3, None),
    "checkpoint-late": (order(0, 2, 3, 1, 4, 5), FaultKind.MALFORMED, 2, None),
    "checkpoint-after-events": (order(0, 1, 3, 2, 4, 5), FaultKind.PROOF, 3, 1),
    "checkpoints-swapped": (
        both(at(SECOND, consistency=None), order(0, 2, 1, 3, 4, 5)),
        FaultKind.ORDER,
        3,
        None,
    ),
    "called-complete": (at(0, selection="complete"), FaultKind.ORDER, 2, None),
    "event-missing": (without(4), FaultKind.TRUNCATED, 5, None),
}


@pytest.mark.parametrize(
    ("spoil", "kind", "line", "index"), SUBSET_FAULTS.values(), ids=SUBSET_FAULTS
)
def test_a_fault_in_a_subset_is_found_where_it_is(spoil, kind, line, index):
    """A sample that was tampered with must not pass because the rest is not there."""
    lines = spoil(subset_export(a_log(2, 3), [1, 3]))

    verdict = verdict_on(lines)

    assert [(kind, line, index)] == [
        (fault.kind, fault.line, fault.index) for fault in verdict.faults
    ]


def test_a_checkpoint_after_events_of_a_subset_is_refused():
    """Proofs are checked as they are read, so what they lead to has to be there before."""
    _, _, second, end = subset_export(a_log(2, 3), [])
    header, first, proved, _ = subset_export(a_log(2), [1])

    verdict = verdict_on([header, first, proved, second, changed(end, events=1)])

    assert [(FaultKind.ORDER, 4)] == [(fault.kind, fault.line) for fault in verdict.faults]


def test_an_event_after_the_last_checkpoint_is_refused():
    """What nobody signed is no evidence, however well it fits."""
    *lines, end = complete_export(a_log(2))
    unsigned = event_line(stored(2))

    verdict = verdict_on([*lines, unsigned, changed(end, events=3)])

    assert [FaultKind.SIGNATURE] == [fault.kind for fault in verdict.faults]
    assert "from index 2 on" in verdict.faults[0].sentence


def test_the_event_at_fault_is_named_by_its_id():
    """The id is what a console or a ticket knows an event by."""
    verdict = verdict_on(at(2, leaf=NO_LEAF)(complete_export(a_log(3))))

    assert "line 3, index 1, event 0197f5f0-0000-7000-8000-000000000001: " in str(verdict.faults[0])


def test_a_rewritten_stretch_is_named_by_its_indexes():
    """Where every event fits its leaf, the checkpoints around the change still narrow it down."""
    log = a_log(1, 2, 3)
    lines = complete_export(log)
    forged = changed(
        lines[4],
        event=None,
        id=None,
        salt=None,
        time=None,
        erased=True,
        leaf=NO_LEAF,
    )

    verdict = verdict_on([*lines[:4], forged, *lines[5:]])

    assert "the events with indexes 1 to 2" in verdict.faults[0].sentence
    assert (1, log.root(1)) == (verdict.size, verdict.root)


def test_without_a_key_the_export_shows_only_that_it_agrees_with_itself():
    """Whoever rewrites everything signs it with a key of his own; ours must come from outside."""
    forged = Log()
    forged.grow(3, signer=STRANGER)
    lines = complete_export(forged)
    lines[0] = header_line(ISSUER, ORIGIN, keys=[STRANGER.key], selection="complete")

    assert verdict_on(lines).is_sound
    assert [FaultKind.SIGNATURE] == [
        fault.kind for fault in verdict_on(lines, keys=[SIGNER.key]).faults
    ]


def test_either_of_two_keys_is_enough():
    """A log changes its key once in a while; old checkpoints stay signed by the old one."""
    log = Log()
    log.grow(1, signer=STRANGER)
    log.grow(1)

    assert verdict_on(complete_export(log), keys=[SIGNER.key, STRANGER.key]).is_sound


@pytest.mark.parametrize("size", [0, 1, 2, 4, 5])
def test_a_log_that_continues_an_earlier_checkpoint_is_sound(size):
    """Also one that the export has no checkpoint for: the root is computed on the way."""
    earlier = a_log(size).notes[size]

    assert verdict_on(complete_export(a_log(2, 3)), previous=earlier).is_sound


@pytest.mark.parametrize(
    ("earlier", "words"),
    [
        (a_log(6).notes[6], "fewer than the 6"),
        (a_log(1).sign(signer=STRANGER), "no known key"),
        (a_log(1).sign(origin="other.example/audit"), "another log"),
        ("not a note", "no signatures"),
    ],
    ids=["of-a-longer-log", "signed-by-a-stranger", "of-another-log", "no-note"],
)
def test_an_earlier_checkpoint_must_lead_to_this_log(earlier, words):
    """A log cut back to an earlier state is whole and signed; only who remembers can tell."""
    verdict = verify_export(complete_export(a_log(2, 3)), previous=earlier)
    code, _ = offline_verifier.verify(complete_export(a_log(2, 3)), [], earlier.encode())

    assert [FaultKind.PREVIOUS] == [fault.kind for fault in verdict.faults]
    assert words in verdict.faults[0].sentence
    assert (2 if earlier == "not a note" else 1) == code


@pytest.mark.parametrize("size", [1, 2, 4, 5])
def test_a_rewritten_log_contradicts_an_earlier_checkpoint(size):
    """This is what anchors are for: the owner of the key cannot take back what it signed."""
    once = Log(frontier=extend(EMPTY, [bytes([number]) * 32 for number in range(size)]).frontier)

    verdict = verdict_on(complete_export(a_log(2, 3)), previous=once.sign())

    assert [FaultKind.PREVIOUS] == [fault.kind for fault in verdict.faults]


def test_a_subset_must_hold_the_earlier_checkpoint():
    """Without all events, only a consistency proof leads from the earlier checkpoint to here."""
    lines = subset_export(a_log(2, 3), [4])

    linked = verdict_on(lines, previous=a_log(2).notes[2])
    unlinked = verdict_on(lines, previous=a_log(3).notes[3])

    assert linked.is_sound
    assert "does not lead from the earlier checkpoint over 3" in unlinked.faults[0].sentence


def a_small_complete_export() -> bytes:
    """Return an export with a whole event, an erased one and two checkpoints."""
    log = a_log(1, 1)
    log.erase(1)
    return b"".join(complete_export(log))


def a_small_subset() -> bytes:
    """Return an export with one proved event and a consistency proof."""
    return b"".join(subset_export(a_log(1, 2), [1]))


SMALL_EXPORTS = {"complete": a_small_complete_export(), "subset": a_small_subset()}


def flipped(octets: bytes, bit: int) -> bytes:
    """Return *octets* with one bit changed."""
    changed_octets = bytearray(octets)
    changed_octets[bit // 8] ^= 1 << bit % 8
    return bytes(changed_octets)


@pytest.mark.parametrize("selection", SMALL_EXPORTS)
def test_every_flipped_bit_is_found(selection):
    """Event, salt, leaf, proof, checkpoint, even punctuation: no bit of an export is free."""
    export = SMALL_EXPORTS[selection]

    unnoticed = [
        bit
        for bit in range(8 * len(export))
        if verify_export(io.BytesIO(flipped(export, bit))).is_sound
    ]

    assert [] == unnoticed


@pytest.mark.parametrize("selection", SMALL_EXPORTS)
def test_every_flipped_bit_is_found_offline(selection):
    """The verifier that auditors trust was written apart, so it is held to the same by itself."""
    lines = SMALL_EXPORTS[selection].splitlines(keepends=True)
    state = offline_verifier.Export([], None)

    unnoticed = []
    for place, line in enumerate(lines):  # from the state before a line, to spare its signatures
        unnoticed += [
            (place, bit)
            for bit in range(8 * len(line))
            if reads_on(copy.deepcopy(state), flipped(line, bit) + b"".join(lines[place + 1 :]))
        ]
        state.read(line)

    assert [] == unnoticed
    state.finish()


def reads_on(state: offline_verifier.Export, rest: bytes) -> bool:
    """Tell whether the offline verifier finds the *rest* of an export sound."""
    try:
        for line in io.BytesIO(rest):
            state.read(line)
        state.finish()
    except offline_verifier.Fault:
        return False
    return True


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_damage_of_any_kind_is_found_by_both(data):
    """Two programs that judge one file differently would make each other worthless."""
    export = SMALL_EXPORTS[data.draw(st.sampled_from(sorted(SMALL_EXPORTS)))]
    start = data.draw(st.integers(0, len(export) - 1))
    end = data.draw(st.integers(start, len(export)))
    patch = data.draw(st.binary(max_size=40) | st.just(export[end:start:-1]))
    damaged = export[:start] + patch + export[end:]

    verdict = verdict_on([damaged])

    assert (damaged == export) == verdict.is_sound


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.data())
@settings(deadline=None, max_examples=40)
def test_every_honest_export_is_sound(batches, data):
    """A verifier that cries wolf is switched off."""
    log = a_log(*batches)
    size = log.frontier.size
    indexes = data.draw(st.lists(st.integers(0, size - 1), unique=True, max_size=5).map(sorted))
    for index in data.draw(st.lists(st.integers(0, size - 1), max_size=3)):
        log.erase(index)

    verdicts = [verdict_on(complete_export(log)), verdict_on(subset_export(log, indexes))]

    assert [(), ()] == [verdict.faults for verdict in verdicts]


def test_an_event_without_an_index_is_not_exported():
    """Nothing can be proved of an event before it has its place."""
    with pytest.raises(ExportError):
        event_line(replace(stored(1), index=None))


def test_a_damaged_body_is_not_exported_as_if_it_were_whole():
    """The line repeats what the event says; of one that says nothing there is nothing to repeat."""
    with pytest.raises(ExportError):
        event_line(replace(stored(1), body=b"{}"))
