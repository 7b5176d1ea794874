"""Verifying an export, line by line, up to the first fault.

Read from front to back without going back, so an export of any length takes little memory. What
is checked is the list in `audit.export`; nothing in the file is believed because the file says it,
except, where no key is given, the keys: then the file is only shown to agree with itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn, assert_never

from registrary.audit.checkpoint import (
    ALGORITHMS,
    Checkpoint,
    CheckpointError,
    VerifierKey,
    Verify,
    open_checkpoint,
    parse_verifier_key,
)
from registrary.audit.export import (
    CheckpointLine,
    End,
    EventLine,
    ExportError,
    Header,
    Line,
    parse_line,
)
from registrary.audit.faults import Fault, FaultKind, Verdict
from registrary.audit.leaves import LeafError, check_leaf
from registrary.audit.merkle import EMPTY, EMPTY_ROOT, HASH_BYTES, extend
from registrary.audit.proofs import verify_consistency, verify_inclusion


def verify_export(
    lines: Iterable[bytes],
    *,
    keys: Sequence[VerifierKey] = (),
    previous: str | None = None,
    algorithms: Mapping[int, Verify] = ALGORITHMS,
) -> Verdict:
    """Verify the *lines* of an export, each with its newline, and report the first fault.

    *keys* are those the reader trusts; without any, those in the header are used. *previous*
    is a signed checkpoint seen earlier, which the log must continue.
    """
    check = _Check(keys, previous, algorithms=algorithms)
    fault = None
    try:
        for octets in lines:
            check.line(octets)
        check.finish()
    except _FaultFound as found:
        fault = found.fault
    return Verdict(
        size=check.newest.size if check.newest else 0,
        root=check.newest.root if check.newest else EMPTY_ROOT,
        faults=(fault,) if fault else (),
        events=check.events,
        erased=check.erased,
        checkpoints=len(check.roots),
        own_keys=() if keys else check.own_keys,
    )


class _FaultFound(Exception):
    """Ends the reading; never leaves this module."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence)
        self.fault = fault


class _Check:
    """The state of a reading: what was seen so far holds."""

    def __init__(
        self,
        keys: Sequence[VerifierKey],
        previous: str | None,
        *,
        algorithms: Mapping[int, Verify],
    ) -> None:
        self.newest: Checkpoint | None = None
        self.roots: dict[int, bytes] = {}  # of the checkpoints that hold, by size
        self.events = 0
        self.erased = 0
        self.own_keys: tuple[str, ...] = ()  # as the header spells them
        self._keys = keys
        self._algorithms = algorithms
        self._previous_note = previous
        self._previous: Checkpoint | None = None
        self._header: Header | None = None
        self._ended = False
        self._lines = 0
        self._next_index = 0
        self._frontier = EMPTY
        self._unhashed: list[bytes] = []  # leaves that are not in the frontier yet

    def line(self, octets: bytes) -> None:
        """Check the next line."""
        self._lines += 1
        try:
            line = parse_line(octets)
        except ExportError as error:
            self._refuse(FaultKind.MALFORMED, str(error))
        if self._ended:
            self._refuse(FaultKind.ORDER, "a line follows the end")
        if self._header is None:
            self._first(line)
        else:
            self._further(line, self._header)

    def finish(self) -> None:
        """Check that nothing is missing at the end."""
        if not self._ended:
            self._lines += 1
            self._refuse(FaultKind.TRUNCATED, "the export has no end: something was cut off")

    def _first(self, line: Line) -> None:
        if not isinstance(line, Header):
            self._refuse(FaultKind.ORDER, "the first line is not a header")
        try:
            own_keys = [parse_verifier_key(text) for text in line.keys]
        except CheckpointError as error:
            self._refuse(FaultKind.MALFORMED, f"a key in the header is damaged: {error}")
        self.own_keys = tuple(line.keys)
        self._keys = self._keys or own_keys
        self._header = line
        if self._previous_note is not None:
            self._previous = self._opened(self._previous_note, line, FaultKind.PREVIOUS)
            self._compare_with_previous(0, EMPTY_ROOT)

    def _further(self, line: Line, header: Header) -> None:
        is_subset = header.selection == "subset"
        match line:
            case Header():
                self._refuse(FaultKind.ORDER, "there is a second header")
            case EventLine():
                self._event(line, header)
                if is_subset:
                    self._proved(line)
                else:
                    self._counted(line)
            case CheckpointLine():
                checkpoint = self._opened(line.note, header, FaultKind.SIGNATURE)
                if self.newest and checkpoint.size <= self.newest.size:
                    self._refuse(FaultKind.ORDER, "checkpoints are not in the order of their sizes")
                if is_subset:
                    self._linked(checkpoint, line)
                else:
                    self._recomputed(checkpoint, line)
                self._accept(checkpoint)
            case End():
                self._end(line, header)
            case _:
                assert_never(line)

    def _event(self, line: EventLine, header: Header) -> None:
        """Check what an event says of itself."""
        whole = (line.event, line.id, line.time, line.salt)
        if len(line.leaf) != HASH_BYTES or (None in whole) != line.erased:
            self._refuse(FaultKind.MALFORMED, "the event is neither whole nor erased", line)
        self.events += 1
        if line.event is None or line.salt is None:
            if any(member is not None for member in whole):
                self._refuse(FaultKind.MALFORMED, "the event is neither whole nor erased", line)
            self.erased += 1
            return
        try:
            said = check_leaf(line.event.encode(), line.salt, line.leaf)
        except LeafError as error:
            self._refuse(error.kind, str(error), line)
        if (said.id, said.time, said.issuer) != (line.id, line.time, header.issuer):
            self._refuse(FaultKind.MEMBER, "id, time or issuer are not those of the event", line)

    def _counted(self, line: EventLine) -> None:
        """Check the place of an event in a complete export."""
        if line.proof is not None or line.size is not None:
            self._refuse(FaultKind.MALFORMED, "a complete export holds no inclusion proofs", line)
        if line.index != self._next_index:
            sentence = f"the event with index {self._next_index} should stand here"
            self._refuse(FaultKind.ORDER, sentence, line)
        self._next_index += 1
        self._unhashed.append(line.leaf)
        if self._previous is not None and self._previous.size == self._next_index:
            self._compare_with_previous(self._next_index, self._grown_root())

    def _proved(self, line: EventLine) -> None:
        """Check the place of an event in a subset, by its proof."""
        if line.proof is None or line.size is None:
            self._refuse(FaultKind.MALFORMED, "the event has no inclusion proof", line)
        if line.index < self._next_index:
            self._refuse(FaultKind.ORDER, "events are not in the order of their indexes", line)
        self._next_index = line.index + 1
        root = self.roots.get(line.size)
        if root is None:
            sentence = f"no checkpoint over {line.size} leaves stands before the event"
            self._refuse(FaultKind.PROOF, sentence, line)
        if not verify_inclusion(
            line.leaf, index=line.index, size=line.size, root=root, proof=line.proof
        ):
            self._refuse(FaultKind.PROOF, "the inclusion proof does not hold", line)

    def _recomputed(self, checkpoint: Checkpoint, line: CheckpointLine) -> None:
        """Check a checkpoint of a complete export against the events before it."""
        if line.consistency is not None:
            self._refuse(FaultKind.MALFORMED, "a complete export holds no consistency proofs")
        if checkpoint.size != self._next_index:
            sentence = (
                f"the checkpoint covers {checkpoint.size} events, not the {self._next_index} before"
            )
            self._refuse(FaultKind.ORDER, sentence)
        if self._grown_root() != checkpoint.root:
            before = self.newest.size if self.newest else 0
            sentence = (
                f"the events with indexes {before} to {checkpoint.size - 1}"
                " are not those the checkpoint was signed over"
            )
            self._refuse(FaultKind.ROOT, sentence)

    def _grown_root(self) -> bytes:
        """Return the root over all events so far."""
        self._frontier = extend(self._frontier, self._unhashed).frontier
        self._unhashed.clear()
        return self._frontier.root

    def _linked(self, checkpoint: Checkpoint, line: CheckpointLine) -> None:
        """Check a checkpoint of a subset against the one before it."""
        if self.events:
            self._refuse(FaultKind.ORDER, "in a subset checkpoints stand before events")
        newest = self.newest
        if newest is None or newest.size == 0:
            if line.consistency is not None:
                self._refuse(FaultKind.MALFORMED, "there is nothing to be consistent with")
        elif not verify_consistency(
            newest.size,
            newest.root,
            second=checkpoint.size,
            second_root=checkpoint.root,
            proof=line.consistency or (),
        ):
            self._refuse(FaultKind.PROOF, "the consistency proof does not hold")

    def _accept(self, checkpoint: Checkpoint) -> None:
        self._compare_with_previous(checkpoint.size, checkpoint.root)
        self.newest = checkpoint
        self.roots[checkpoint.size] = checkpoint.root

    def _opened(self, note: str, header: Header, kind: FaultKind) -> Checkpoint:
        try:
            return open_checkpoint(
                note, self._keys, origin=header.origin, algorithms=self._algorithms
            )
        except CheckpointError as error:
            whose = "earlier checkpoint" if kind is FaultKind.PREVIOUS else "checkpoint"
            self._refuse(kind, f"the {whose} cannot be used: {error}")

    def _compare_with_previous(self, size: int, root: bytes) -> None:
        if self._previous is None or self._previous.size != size:
            return
        if self._previous.root != root:
            sentence = f"the log of {size} events is not the one the earlier checkpoint covers"
            self._refuse(FaultKind.PREVIOUS, sentence)
        self._previous = None

    def _end(self, line: End, header: Header) -> None:
        if (line.events, line.checkpoints) != (self.events, len(self.roots)):
            self._refuse(FaultKind.TRUNCATED, "the export does not hold as much as its end says")
        if self.newest is None:
            self._refuse(FaultKind.SIGNATURE, "the export holds no checkpoint: nothing is signed")
        if header.selection == "complete" and self.newest.size != self._next_index:
            sentence = f"events from index {self.newest.size} on are covered by no checkpoint"
            self._refuse(FaultKind.SIGNATURE, sentence)
        if self._previous is not None:
            self._refuse(FaultKind.PREVIOUS, self._not_linked(self._previous.size))
        self._ended = True

    def _not_linked(self, size: int) -> str:
        if self.newest is not None and self.newest.size < size:
            return f"the log has fewer than the {size} events that the earlier checkpoint covers"
        return f"the export does not lead from the earlier checkpoint over {size} events"

    def _refuse(self, kind: FaultKind, sentence: str, event: EventLine | None = None) -> NoReturn:
        raise _FaultFound(
            Fault(
                kind,
                sentence,
                line=self._lines,
                index=event.index if event else None,
                event_id=event.id if event else None,
            )
        )
