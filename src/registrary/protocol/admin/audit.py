"""The audit log in the admin API: events, checkpoints, proofs."""

from dataclasses import dataclass
from typing import Final

from registrary.core.issuer import Issuer
from registrary.ports.audit_log import AuditLog
from registrary.ports.keys import Signer
from registrary.protocol.admin.events import (
    EVENT_FILTERS,
    EventPage,
    EventView,
    event_filter,
    event_view,
    find_events,
)
from registrary.protocol.admin.lists import page_limit
from registrary.protocol.admin.operations import Answer, Call, Operation, QueryParameter
from registrary.protocol.admin.proofs import (
    CheckpointView,
    ConsistencyProof,
    InclusionProof,
    Prover,
)
from registrary.protocol.parameters import Parameters
from registrary.registrar.administration import NotFound, NotPossible
from registrary.registrar.log_keys import verifier_keys
from registrary.registrar.permissions import Permission

_SIZE_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class AuditOperations:
    """Operations on the log of one issuer."""

    issuer: Issuer
    log: AuditLog
    signer: Signer

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        permission = Permission.AUDIT_READ
        return (
            Operation(
                method="GET",
                path="/audit/events",
                permission=permission,
                summary="List events, newest first.",
                run=self.events,
                query=(*EVENT_FILTERS, QueryParameter("client_id", "Only events of this client.")),
                returns=EventPage,
            ),
            Operation(
                method="GET",
                path="/audit/events/{id}",
                permission=permission,
                summary="Show an event.",
                run=self.event,
                returns=EventView,
            ),
            Operation(
                method="GET",
                path="/audit/checkpoint",
                permission=permission,
                summary="Show the newest signed checkpoint, or the one over `size` events.",
                run=self.checkpoint,
                query=(QueryParameter("size", "How many events it covers."),),
                returns=CheckpointView,
            ),
            Operation(
                method="GET",
                path="/audit/proofs",
                permission=permission,
                summary="Prove that an event is in the log, or that the log only grew.",
                run=self.proofs,
                query=(
                    QueryParameter("event_id", "The event to prove."),
                    QueryParameter("first", "The size of the log at an earlier checkpoint."),
                    QueryParameter("second", "Its size at a later one."),
                ),
                returns=InclusionProof | ConsistencyProof,
            ),
        )

    async def events(self, call: Call) -> Answer:
        """List the events that are asked for, newest first."""
        wanted, limit = event_filter(call.query), page_limit(call.query)
        return Answer(await find_events(self.log, self.issuer.id, wanted, limit=limit))

    async def event(self, call: Call) -> Answer:
        """Show one event with its place in the log."""
        event = await self.log.event(self.issuer.id, call.path["id"])
        if event is None:
            raise NotFound("event")
        return Answer(event_view(event))

    async def checkpoint(self, call: Call) -> Answer:
        """Show a signed checkpoint, as a C2SP note."""
        size = _size(call.query, "size") if "size" in call.query else None
        return Answer(await (await self._prover()).checkpoint(size))

    async def proofs(self, call: Call) -> Answer:
        """Prove that one event is in the log, or that the log continues an earlier one."""
        prover, event_id = await self._prover(), call.query.get("event_id")
        if event_id is not None:
            return Answer(await prover.inclusion(event_id))
        first, second = _size(call.query, "first"), _size(call.query, "second")
        return Answer(await prover.consistency(first, second))

    async def _prover(self) -> Prover:
        return Prover(self.issuer, self.log, await verifier_keys(self.signer, self.issuer))


def _size(query: Parameters, name: str) -> int:
    text = query.get(name) or ""
    if not text.isascii() or not text.isdigit() or len(text) > _SIZE_DIGITS:
        raise NotPossible(f"{name}: must be how many events the log had")
    return int(text)
