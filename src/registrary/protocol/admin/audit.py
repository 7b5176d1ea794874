"""The audit log in the admin API: events, checkpoints, proofs."""

from dataclasses import dataclass

from registrary.audit.proofs import inclusion_proof, tiles_for_inclusion
from registrary.core.issuer import Issuer
from registrary.ports.audit_log import AuditLog
from registrary.protocol.admin.clients import event_view, events_page, page_limit
from registrary.protocol.admin.operations import Answer, Call, Operation
from registrary.registrar.administration import NotFound, NotPossible


@dataclass(frozen=True, slots=True)
class AuditOperations:
    """Operations on the log of one issuer."""

    issuer: Issuer
    log: AuditLog

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        permission = "audit:read"
        return (
            Operation("GET", "/audit/events", permission, "List events.", self.events),
            Operation("GET", "/audit/events/{id}", permission, "Show an event.", self.event),
            Operation(
                "GET", "/audit/checkpoint", permission, "Show the last checkpoint.", self.checkpoint
            ),
            Operation("GET", "/audit/proofs", permission, "Prove an event.", self.proofs),
        )

    async def events(self, call: Call) -> Answer:
        """List events, newest first."""
        limit = page_limit(call.query)
        events = await self.log.recent_events(
            self.issuer.id, before=call.query.get("cursor"), limit=limit
        )
        return Answer(events_page(events, limit))

    async def event(self, call: Call) -> Answer:
        """Show one event with its place in the log."""
        event = await self.log.event(self.issuer.id, call.path["id"])
        if event is None:
            raise NotFound("event")
        return Answer(event_view(event))

    async def checkpoint(self, call: Call) -> Answer:
        """Show the newest signed checkpoint, as a C2SP note."""
        del call
        note = await self.log.checkpoint(self.issuer.id)
        if note is None:
            raise NotFound("checkpoint")
        return Answer({"checkpoint": note, "size": await self.log.log_size(self.issuer.id)})

    async def proofs(self, call: Call) -> Answer:
        """Prove that the event named by ``event_id`` is in the log (RFC 9162 §2.1.3)."""
        event = await self.log.event(self.issuer.id, call.query.get("event_id") or "")
        if event is None:
            raise NotFound("event")
        size = await self.log.log_size(self.issuer.id)
        if event.index is None or event.index >= size:
            raise NotPossible("event_id: the event has no index yet; try again in a second")
        tiles = {}
        for level, index in tiles_for_inclusion(event.index, size):
            tile = await self.log.tile(self.issuer.id, level, index)
            if tile is not None:
                tiles[level, index] = tile.hashes
        proof = inclusion_proof(event.index, size, tiles)
        return Answer(
            {
                "index": event.index,
                "size": size,
                "leaf_hash": event.leaf_hash.hex(),
                "proof": [each.hex() for each in proof],
                "checkpoint": await self.log.checkpoint(self.issuer.id, size=size),
            }
        )
