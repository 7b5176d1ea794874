"""Verifying the log where it is kept: that the store still holds what was signed.

The steps, in this order, each over what the one before has read:

1. Read how many events the log says it has.
2. Read every checkpoint, smallest first (`LogVerifier.add_checkpoints`).
3. Read every event with an index, from 0 on (`add_events`). Indexes have no gap. An event hashes,
   with its salt, to its leaf, and its columns say what it says; of an erased one the leaf is left.
   Leaves grow a tree; where a checkpoint was signed, the tree has its root.
4. Read every tile that the tree must have (`due_tiles`, `check_tile`) and compare it. A tile that
   is sound where events were rewritten names the very event.
5. Read the size again, for the log of a running server grows meanwhile, and the events that wait
   for an index (`verdict`): none may wait longer than the maximum merge delay, and none with an
   index longer than the delay of checkpoints.

What this cannot see is a log cut back, with its checkpoints, by who can write to the store, or
rewritten by who has the key as well: compare a checkpoint kept elsewhere for that.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, Protocol

from registrary.audit.checkpoint import (
    ALGORITHMS,
    CheckpointError,
    VerifierKey,
    Verify,
    open_checkpoint,
    parse_note,
    parse_text,
)
from registrary.audit.export import Entry
from registrary.audit.faults import Fault, FaultKind, Verdict
from registrary.audit.leaves import LeafError, check_leaf
from registrary.audit.merkle import (
    EMPTY,
    EMPTY_ROOT,
    HASH_BYTES,
    TILE_BYTES,
    TILE_WIDTH,
    TileId,
    edge_tiles,
    extend,
    split,
)

MAX_FAULTS: Final = 100
"""After so many faults no further ones are listed: the log is beyond a list."""

PAGE_EVENTS: Final = 1024


class WaitingEntry(Protocol):
    """An event that has no index yet."""

    @property
    def event_id(self) -> str:
        """Return the id of the event, in text form."""
        ...

    @property
    def time(self) -> datetime:
        """Return when it happened."""
        ...


@dataclass(frozen=True, slots=True)
class Delays:
    """How long an event may wait: for its index (*merge*), then for a *checkpoint* over it."""

    merge: timedelta
    checkpoint: timedelta


def verify_log(
    issuer: str,
    origin: str,
    *,
    keys: Sequence[VerifierKey],
    head_size: int,
    checkpoints: Iterable[str],
    events: Iterable[Entry],
    tile: Callable[[TileId], bytes | None],
    waiting: Iterable[WaitingEntry],
    now: datetime,
    delays: Delays,
) -> Verdict:
    """Verify a log that stands still and can be read without waiting.

    Who has to wait for a store, or reads a log that grows, feeds a `LogVerifier` page by page.
    """
    verifier = LogVerifier(issuer, origin, keys=keys, head_size=head_size)
    verifier.add_checkpoints(checkpoints)
    remaining = iter(events)
    while page := tuple(islice(remaining, PAGE_EVENTS)):
        verifier.add_events(page)
        for tile_id in verifier.due_tiles():
            verifier.check_tile(tile_id, tile(tile_id))
    verifier.end_of_events()
    for tile_id in verifier.due_tiles():
        verifier.check_tile(tile_id, tile(tile_id))
    return verifier.verdict(head_size=head_size, waiting=waiting, now=now, delays=delays)


def verdict_on_damage(sentences: Iterable[str]) -> Verdict:
    """Return the verdict on a log whose store is damaged as *sentences* say: none of it was read.

    What a damaged store gives may differ from one read to the next, and proves nothing.
    """
    faults = tuple(Fault(FaultKind.STORE, each) for each in islice(sentences, MAX_FAULTS))
    return Verdict(size=0, root=EMPTY_ROOT, faults=faults, events=0, erased=0, checkpoints=0)


class LogVerifier:
    """A verification under way; feed it in the order of the steps above.

    *head_size* is how many events the log says it has, read before the events are.
    """

    def __init__(
        self,
        issuer: str,
        origin: str,
        *,
        keys: Sequence[VerifierKey],
        head_size: int,
        algorithms: Mapping[int, Verify] = ALGORITHMS,
    ) -> None:
        self._issuer = issuer
        self._origin = origin
        self._keys = keys
        self._head_size = head_size
        self._algorithms = algorithms
        self._faults: list[Fault] = []
        self._notes: deque[tuple[int, str]] = deque()
        self._claimed = -1
        self._tree = EMPTY
        self._unhashed: list[bytes] = []  # leaves of events that are not in the tree yet
        self._due: dict[TileId, bytes] = {}
        self._is_comparable = True  # no gap so far: roots and tiles can still be compared
        self._roots_differ = False
        self._next_index = 0
        self._erased = 0
        self._signed_size = 0  # of the newest checkpoint that holds
        self._signed_root = EMPTY_ROOT
        self._checkpoints = 0
        self._unsigned_since: datetime | None = None

    @property
    def size(self) -> int:
        """Return how many events were read, which is the index to read from."""
        return self._next_index

    @property
    def claimed_size(self) -> int:
        """Return the greatest size that a checkpoint was added for, -1 before the first."""
        return self._claimed

    def add_strays(self, sentences: Iterable[str]) -> None:
        """Take what the store tells of rows that stand where they do not belong."""
        for sentence in sentences:
            self._find(FaultKind.STORE, sentence)

    def add_checkpoints(self, notes: Iterable[str]) -> None:
        """Take signed checkpoints, smallest first, before the events that come after them."""
        for note in notes:
            try:
                size = parse_text(parse_note(note).text).size
            except CheckpointError as error:
                self._find(FaultKind.SIGNATURE, f"a checkpoint cannot be read: {error}")
                continue
            if size < max(self._claimed, self._next_index):
                self._find(FaultKind.ORDER, "checkpoints are not in order", size=size)
                continue
            self._claimed = size
            self._notes.append((size, note))

    def add_events(self, entries: Sequence[Entry]) -> None:
        """Take the next events that have an index, in the order of their indexes."""
        for entry in entries:
            self._check_checkpoints()
            self._check_place(entry)
            self._check_entry(entry)
            if self._unsigned_since is None:
                self._unsigned_since = entry.time
            self._unhashed.append(entry.leaf_hash)
            self._next_index += 1
        self._check_checkpoints()
        self._grow()

    def end_of_events(self) -> None:
        """Say that all events were given; what is left is the right edge of the tree."""
        self._check_checkpoints()
        self._grow()
        if self._is_comparable:
            edges = (edge for edge in self._tree.edges if edge)
            self._due |= dict(zip(edge_tiles(self._tree.size), edges, strict=True))
        for size, _ in self._notes:
            sentence = f"a checkpoint covers {size} events, but only {self._next_index} are there"
            self._find(FaultKind.SIZE, sentence, size=size)

    def check_waiting(self, entry: Entry) -> None:
        """Check an event that has no index yet: its hash is there already."""
        self._check_content(entry)

    def due_tiles(self) -> tuple[TileId, ...]:
        """Return the tiles that the store must have by now and that were not compared yet."""
        return tuple(self._due)

    def check_tile(self, tile_id: TileId, hashes: bytes | None) -> None:
        """Compare a stored tile; None when the store has none. A longer one may have grown."""
        expected = self._due.pop(tile_id)
        level, index = tile_id
        name = f"tile {index} of level {level}"
        if hashes is None or len(hashes) < len(expected) or len(hashes) % HASH_BYTES:
            self._find(FaultKind.TILE, f"{name} is missing or too short")
            return
        for place, (stored, computed) in enumerate(
            zip(split(hashes), split(expected), strict=False)
        ):
            if stored != computed:
                sentence = f"{name} differs from the events in its entry {place}"
                leaf_index = None if level else index * TILE_WIDTH + place
                self._find(FaultKind.TILE, sentence, index=leaf_index)
                return

    def verdict(
        self, *, head_size: int, waiting: Iterable[WaitingEntry], now: datetime, delays: Delays
    ) -> Verdict:
        """Return what was found. *head_size* and *waiting* were read after the events."""
        for level, index in self._due:
            self._find(FaultKind.TILE, f"tile {index} of level {level} was not compared")
        self._check_head(head_size)
        for entry in waiting:
            if entry.time + delays.merge < now:
                sentence = "the event has waited too long for its index"
                self._find(FaultKind.WAITING, sentence, event_id=entry.event_id)
        if self._unsigned_since is not None and self._unsigned_since + delays.checkpoint < now:
            sentence = f"events from index {self._signed_size} on wait too long for a checkpoint"
            self._find(FaultKind.WAITING, sentence, index=self._signed_size)
        return Verdict(
            size=self._signed_size,
            root=self._signed_root,
            faults=tuple(self._faults),
            events=self._next_index,
            erased=self._erased,
            checkpoints=self._checkpoints,
        )

    def _check_head(self, head_size: int) -> None:
        size = self._next_index
        if not self._head_size <= size <= head_size:
            expected = self._head_size if size < self._head_size else head_size
            sentence = f"the log says that it has {expected} events, but {size} have an index"
            self._find(FaultKind.SIZE, sentence, size=expected)

    def _check_place(self, entry: Entry) -> None:
        if entry.index == self._next_index:
            return
        sentence = f"the event with index {self._next_index} should stand here"
        self._find(FaultKind.ORDER, sentence, entry=entry)
        self._is_comparable = False
        if entry.index is not None:
            self._next_index = entry.index  # one gap is one fault

    def _check_entry(self, entry: Entry) -> None:
        """Check an event by itself."""
        if (entry.body is None) != (entry.salt is None):
            self._find(FaultKind.MALFORMED, "the event is half erased", entry=entry)
        if entry.body is None or entry.salt is None:
            self._erased += 1
            return
        self._check_content(entry)

    def _check_content(self, entry: Entry) -> None:
        if entry.body is None or entry.salt is None:
            return
        try:
            said = check_leaf(entry.body, entry.salt, entry.leaf_hash)
        except LeafError as error:
            self._find(error.kind, str(error), entry=entry)
            return
        columns = (entry.event_id, self._issuer, entry.client_id)
        if columns != (said.id, said.issuer, said.client_id) or not _is_time(said.time, entry.time):
            sentence = "id, issuer, client or time in the store are not those of the event"
            self._find(FaultKind.MEMBER, sentence, entry=entry)

    def _check_checkpoints(self) -> None:
        """Check the checkpoints over exactly the events that were read."""
        while self._notes and self._notes[0][0] <= self._next_index:
            size, note = self._notes.popleft()
            if self._is_comparable:
                self._check_checkpoint(size, note)

    def _check_checkpoint(self, size: int, note: str) -> None:
        try:
            checkpoint = open_checkpoint(
                note, self._keys, origin=self._origin, algorithms=self._algorithms
            )
        except CheckpointError as error:
            self._find(FaultKind.SIGNATURE, f"a checkpoint cannot be used: {error}", size=size)
            return
        self._grow()
        if self._tree.root == checkpoint.root:
            self._signed_size, self._signed_root = size, checkpoint.root
            self._unsigned_since = None
            self._checkpoints += 1
        elif not self._roots_differ:  # all later ones differ too, for the same reason
            self._roots_differ = True
            sentence = (
                f"the events with indexes {self._signed_size} to {size - 1}"
                " are not those a checkpoint was signed over"
            )
            self._find(FaultKind.ROOT, sentence, size=size)

    def _grow(self) -> None:
        """Put the leaves read so far into the tree and note the tiles they fill."""
        if self._is_comparable and self._unhashed:
            extension = extend(self._tree, self._unhashed)
            self._tree = extension.frontier
            full = (tile for tile in extension.tiles if len(tile.hashes) == TILE_BYTES)
            self._due |= {(tile.level, tile.index): tile.hashes for tile in full}
        self._unhashed.clear()

    def _find(
        self,
        kind: FaultKind,
        sentence: str,
        *,
        entry: Entry | None = None,
        index: int | None = None,
        event_id: str | None = None,
        size: int | None = None,
    ) -> None:
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(
                Fault(
                    kind,
                    sentence,
                    index=entry.index if entry else index,
                    event_id=entry.event_id if entry else event_id,
                    size=size,
                )
            )


def _is_time(text: str, moment: datetime) -> bool:
    try:
        return datetime.fromisoformat(text) == moment
    except (ValueError, TypeError):  # no time at all, or one without an offset
        return False
