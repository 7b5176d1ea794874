"""A small audit log with a key of its own, for tests to export, spoil and verify."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from registrary.audit.checkpoint import ED25519, Checkpoint, VerifierKey, render, sign
from registrary.audit.export import (
    Entry,
    checkpoint_line,
    end_line,
    event_line,
    header_line,
)
from registrary.audit.merkle import EMPTY, Frontier, Tile, TileId, extend, frontier_of
from registrary.audit.proofs import consistency_proof, inclusion_proof
from registrary.audit.record import SALT_BYTES, record_of
from registrary.core.events import Actor, ActorKind, Event, FieldChange, Tag

ISSUER = "abcdef0123"
ORIGIN = "as.example/audit"
START = datetime(2026, 3, 1, tzinfo=UTC)


class Signer:
    """A key pair made from a seed."""

    def __init__(self, name: str, seed: int) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = VerifierKey(name, ED25519, public)

    def __call__(self, message: bytes) -> bytes:
        """Return the signature over *message*."""
        return self._private.sign(message)


SIGNER = Signer(ORIGIN, 1)
STRANGER = Signer(ORIGIN, 2)


@dataclass(frozen=True)
class StoredEvent:
    """An event as a store gives it back."""

    event_id: str
    index: int | None
    time: datetime
    client_id: str | None
    body: bytes | None
    salt: bytes | None
    leaf_hash: bytes


def an_event(number: int) -> Event:
    """Return the event with *number*, one second after the one before."""
    return Event(
        id=f"0197f5f0-0000-7000-8000-{number:012x}",
        issuer=ISSUER,
        time=START + timedelta(seconds=number),
        tag=Tag.CLIENT_REGISTERED,
        actor=Actor(ActorKind.ANONYMOUS, address="192.0.2.1"),
        client_id=f"client-{number}",
        changes={"client_name": FieldChange(None, 'A "name" \u2014 \U0001f600\n', "client")},
        salt=number.to_bytes(SALT_BYTES, "big"),
    )


def stored(number: int) -> StoredEvent:
    """Return the event with *number* as kept in the log."""
    event = an_event(number)
    record = record_of(event)
    return StoredEvent(
        event.id,
        number,
        event.time,
        event.client_id,
        record.body,
        record.salt,
        record.leaf_hash,
    )


@dataclass
class Log:
    """A log with its tiles and checkpoints, as a store keeps them."""

    entries: list[StoredEvent] = field(default_factory=list)
    tiles: dict[TileId, bytes] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    frontier: Frontier = EMPTY

    def grow(self, count: int, *, signer: Signer = SIGNER) -> "Log":
        """Append *count* events and sign a checkpoint."""
        size = self.frontier.size
        entries = [stored(number) for number in range(size, size + count)]
        extension = extend(self.frontier, [entry.leaf_hash for entry in entries])
        self.entries += entries
        self.tiles |= {(tile.level, tile.index): tile.hashes for tile in extension.tiles}
        self.frontier = extension.frontier
        self.sign(signer=signer)
        return self

    def sign(self, *, origin: str = ORIGIN, signer: Signer = SIGNER) -> str:
        """Sign a checkpoint over all events."""
        size = self.frontier.size
        note = sign(render(Checkpoint(origin, size, self.frontier.root)), signer.key, signer)
        self.notes[size] = note
        return note

    def erase(self, index: int) -> None:
        """Erase what the event at *index* said."""
        self.entries[index] = replace(self.entries[index], body=None, salt=None)

    def tile(self, level: int, index: int) -> Tile | None:
        """Return a stored tile."""
        hashes = self.tiles.get((level, index))
        return None if hashes is None else Tile(level, index, hashes)

    def root(self, size: int) -> bytes:
        """Return the root when the log had *size* events."""
        return frontier_of(size, self.tiles).root


def a_log(*batches: int) -> Log:
    """Return a log that grew by *batches*, each ending with a checkpoint."""
    log = Log()
    for count in batches:
        log.grow(count)
    return log


def complete_export(log: Log, entries: Sequence[Entry] | None = None) -> list[bytes]:
    """Return the lines of a complete export of *log*."""
    lines = [header_line(ISSUER, ORIGIN, keys=[SIGNER.key], selection="complete")]
    if 0 in log.notes:
        lines.append(checkpoint_line(log.notes[0]))
    shown = log.entries if entries is None else entries
    for size, entry in enumerate(shown, start=1):
        lines.append(event_line(entry))
        if size in log.notes:
            lines.append(checkpoint_line(log.notes[size]))
    lines.append(end_line(events=len(shown), checkpoints=len(log.notes)))
    return lines


def subset_export(log: Log, indexes: Sequence[int]) -> list[bytes]:
    """Return the lines of an export of the events at *indexes* with every checkpoint."""
    lines = [header_line(ISSUER, ORIGIN, keys=[SIGNER.key], selection="subset")]
    before = 0
    for size, note in sorted(log.notes.items()):
        proof = consistency_proof(before, size, log.tiles) if before else None
        lines.append(checkpoint_line(note, consistency=proof))
        before = size
    for index in indexes:
        proof = inclusion_proof(index, before, log.tiles)
        lines.append(event_line(log.entries[index], size=before, proof=proof))
    lines.append(end_line(events=len(indexes), checkpoints=len(log.notes)))
    return lines
