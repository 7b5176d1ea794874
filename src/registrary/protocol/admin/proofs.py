"""Proofs about the log: that an event is in it, and that it only grew."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from registrary.audit.checkpoint import VerifierKey, log_origin, parse_note, parse_text
from registrary.audit.export import checkpoint_line, end_line, event_line, header_line
from registrary.audit.merkle import TileId
from registrary.audit.proofs import (
    Proof,
    consistency_proof,
    inclusion_proof,
    tiles_for_consistency,
    tiles_for_inclusion,
)
from registrary.core.issuer import Issuer
from registrary.ports.audit_log import AuditLog, LoggedEvent
from registrary.registrar.administration import NotFound, NotPossible


class InclusionProof(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="inclusion"):
    """Shows that an event is in the log that a checkpoint was signed over (RFC 9162 §2.1.3).

    *leaf_hash* is SHA-256 of a zero byte and the SHA-256 of *salt* and *event*, both verbatim.
    Octets are hexadecimal. *export* is the same as a file that the offline verifier takes.
    """

    event_id: str
    index: int
    size: int
    time: datetime
    event: str | None
    salt: str | None
    leaf_hash: str
    proof: list[str]
    checkpoint: str
    keys: list[str]
    export: str


class ConsistencyProof(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="consistency"
):
    """Shows that the log of *second* events continues that of *first* (RFC 9162 §2.1.4)."""

    first: int
    second: int
    proof: list[str]
    checkpoints: list[str | None]
    keys: list[str]


class CheckpointView(msgspec.Struct, frozen=True, kw_only=True):
    """A signed checkpoint, as a C2SP note, with what it says and the keys that verify it."""

    checkpoint: str
    origin: str
    size: int
    root: str
    keys: list[str]


@dataclass(frozen=True, slots=True)
class Prover:
    """Proves things about the log of one issuer; *keys* are those that verify it."""

    issuer: Issuer
    log: AuditLog
    keys: list[VerifierKey]

    async def checkpoint(self, size: int | None = None) -> CheckpointView:
        """Return the checkpoint over *size* events, or the newest. Raises `NotFound`."""
        note = await self.log.checkpoint(self.issuer.id, size=size)
        if note is None:
            raise NotFound("checkpoint")
        said = parse_text(parse_note(note).text)
        return CheckpointView(
            checkpoint=note,
            origin=said.origin,
            size=said.size,
            root=said.root.hex(),
            keys=[str(key) for key in self.keys],
        )

    async def inclusion(self, event_id: str) -> InclusionProof:
        """Prove that an event is in the log. Raises `NotFound`, `NotPossible` while it waits."""
        event = await self.log.event(self.issuer.id, event_id)
        if event is None:
            raise NotFound("event")
        newest = await self.log.checkpoint(self.issuer.id)
        size = 0 if newest is None else parse_text(parse_note(newest).text).size
        if newest is None or event.index is None or event.index >= size:
            raise NotPossible("event_id: no checkpoint covers the event yet; ask in a second")
        proof = await self._path(event.index, size)
        lines = self.subset(newest, [event_line(event, size=size, proof=proof)])
        return InclusionProof(
            event_id=event.event_id,
            index=event.index,
            size=size,
            time=event.time,
            event=event.body.decode() if event.body is not None else None,
            salt=event.salt.hex() if event.salt is not None else None,
            leaf_hash=event.leaf_hash.hex(),
            proof=[node.hex() for node in proof],
            checkpoint=newest,
            keys=[str(key) for key in self.keys],
            export=b"".join(lines).decode(),
        )

    async def consistency(self, first: int, second: int) -> ConsistencyProof:
        """Prove that the log only grew. Raises `NotPossible` for sizes it never had."""
        if not 0 < first <= second <= await self.log.log_size(self.issuer.id):
            raise NotPossible("first, second: must be sizes of the log, in this order")
        tiles = await self._tiles(tiles_for_consistency(first, second))
        notes = [await self.log.checkpoint(self.issuer.id, size=size) for size in (first, second)]
        return ConsistencyProof(
            first=first,
            second=second,
            proof=[node.hex() for node in consistency_proof(first, second, tiles)],
            checkpoints=notes,
            keys=[str(key) for key in self.keys],
        )

    def subset(self, note: str, events: Iterable[bytes]) -> list[bytes]:
        """Return the lines of an export that holds *events*, each with its proof for *note*."""
        lines = list(events)
        return [
            header_line(
                self.issuer.id,
                log_origin(self.issuer.log_address),
                keys=self.keys,
                selection="subset",
            ),
            checkpoint_line(note),
            *lines,
            end_line(events=len(lines), checkpoints=1),
        ]

    async def line(self, event: LoggedEvent, size: int) -> bytes:
        """Return the line of an event in an export, with its proof for *size* events."""
        if event.index is None:
            raise NotPossible("event_id: the event has no index yet; ask in a second")
        return event_line(event, size=size, proof=await self._path(event.index, size))

    async def _path(self, index: int, size: int) -> Proof:
        tiles = await self._tiles(tiles_for_inclusion(index, size))
        return inclusion_proof(index, size, tiles)

    async def _tiles(self, wanted: Iterable[TileId]) -> dict[TileId, bytes]:
        found = {}
        for level, index in wanted:
            tile = await self.log.tile(self.issuer.id, level, index)
            if tile is not None:
                found[level, index] = tile.hashes
        return found
