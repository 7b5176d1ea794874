"""Clients in the admin API; never a secret, but one that was just made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from registrary.core.client import Client
from registrary.core.lifecycle import HoldKind
from registrary.ports.audit_log import AuditLog, LoggedEvent
from registrary.ports.store import Store
from registrary.protocol.admin.operations import Answer, Call, Operation
from registrary.protocol.parameters import Parameters
from registrary.registrar.administration import Administrator, NotPossible
from registrary.registrar.context import IssuerContext

PAGE_LIMIT: Final = 500  # records in one page


class HoldRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A hold to place: why, as a *kind* and in words."""

    reason: str
    kind: HoldKind = HoldKind.ADMIN


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why something is done; it is kept in the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class ClientOperations:
    """Operations on the clients of one issuer."""

    context: IssuerContext
    store: Store
    log: AuditLog
    administrator: Administrator

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        one = "/clients/{id}"
        return (
            Operation("GET", "/clients", "clients:read", "List clients.", self.list_clients),
            Operation("GET", one, "clients:read", "Show a client.", self.show),
            Operation("DELETE", one, "clients:write", "Revoke a client.", self.revoke, Reason),
            Operation(
                "POST", f"{one}/holds", "clients:write", "Hold a client.", self.hold, HoldRequest
            ),
            Operation(
                "DELETE", f"{one}/holds/{{kind}}", "clients:write", "Lift a hold.", self.lift
            ),
            Operation(
                "POST", f"{one}/credentials", "clients:write", "Make a new secret.", self.rotate
            ),
            Operation(
                "GET", f"{one}/credentials", "clients:read", "Show credentials.", self.credentials
            ),
            Operation("GET", f"{one}/events", "audit:read", "Show its events.", self.events),
        )

    async def list_clients(self, call: Call) -> Answer:
        """List clients by id, oldest first, from the cursor on."""
        page = await self.store.page(
            Client, self.context.id, after=call.query.get("cursor"), limit=page_limit(call.query)
        )
        items = [client_view(client) for client in page.records]
        return Answer({"items": items, "next_cursor": page.next_after})

    async def show(self, call: Call) -> Answer:
        """Show one client in whatever state."""
        return Answer(client_view(await self.administrator.find(self.context, call.path["id"])))

    async def revoke(self, call: Call) -> Answer:
        """Revoke a client for good."""
        reason = call.read(Reason).reason if call.body else "revoked by an administrator"
        client = await self.administrator.revoke(
            self.context, call.path["id"], reason=reason, actor=call.caller.actor
        )
        return Answer(client_view(client))

    async def hold(self, call: Call) -> Answer:
        """Hold a client; it stops at once."""
        wanted = call.read(HoldRequest)
        client = await self.administrator.hold(
            self.context,
            call.path["id"],
            (wanted.kind, wanted.reason),
            actor=call.caller.actor,
        )
        return Answer(client_view(client), status=201)

    async def lift(self, call: Call) -> Answer:
        """Lift one hold."""
        try:
            kind = HoldKind(call.path["kind"])
        except ValueError as error:
            raise NotPossible("kind: must be a kind of hold") from error
        client = await self.administrator.lift(
            self.context, call.path["id"], kind, actor=call.caller.actor
        )
        return Answer(client_view(client))

    async def rotate(self, call: Call) -> Answer:
        """Make a new secret and show it once."""
        client, secret = await self.administrator.rotate_secret(
            self.context, call.path["id"], actor=call.caller.actor
        )
        expiry = client.secrets[-1].expires_at
        return Answer(
            {
                "client_id": client.client_id,
                "client_secret": secret.reveal(),
                "client_secret_expires_at": int(expiry.timestamp()) if expiry else 0,
            },
            status=201,
        )

    async def credentials(self, call: Call) -> Answer:
        """Show which credentials a client has, never what they are."""
        client = await self.administrator.find(self.context, call.path["id"])
        return Answer({"items": credentials_view(client)})

    async def events(self, call: Call) -> Answer:
        """Show the events of a client, newest first."""
        client = await self.administrator.find(self.context, call.path["id"])
        limit = page_limit(call.query)
        events = await self.log.recent_events(
            self.context.id,
            client_id=client.client_id,
            before=call.query.get("cursor"),
            limit=limit,
        )
        return Answer(events_page(events, limit))


def page_limit(query: Parameters) -> int:
    """Return how many records a page shall have."""
    text = query.get("limit") or "100"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= PAGE_LIMIT:
        raise NotPossible(f"limit: must be between 1 and {PAGE_LIMIT}")
    return int(text)


def events_page(events: Sequence[LoggedEvent], limit: int) -> dict[str, Any]:
    """Return events as a page; the cursor is the id of the oldest one shown."""
    items = [event_view(event) for event in events]
    return {"items": items, "next_cursor": items[-1]["id"] if len(items) == limit else None}


def event_view(event: LoggedEvent) -> dict[str, Any]:
    """Return an event with its place in the log; its body verbatim, as it was hashed."""
    return {
        "id": event.event_id,
        "index": event.index,
        "leaf_hash": event.leaf_hash.hex(),
        "event": msgspec.Raw(event.body) if event.body is not None else None,
    }


def client_view(client: Client) -> dict[str, Any]:
    """Return what may be shown of a client: everything but credentials."""
    return {
        "client_id": client.client_id,
        "state": client.state.value,
        "holds": client.holds,
        "metadata": client.metadata,
        "provenance": client.provenance,
        "door": client.door,
        "issued_at": client.issued_at,
        "updated_at": client.updated_at,
        "revoked_at": client.revoked_at,
        "revision": client.revision,
    }


def credentials_view(client: Client) -> list[dict[str, Any]]:
    """Return when each credential of a client began and ends."""
    kinds = (
        ("client_secret", client.secrets),
        ("registration_access_token", client.registration_access_tokens),
    )
    return [
        {
            "kind": kind,
            "issued_at": credential.issued_at,
            "expires_at": credential.expires_at,
            "retire_at": credential.retire_at,
        }
        for kind, credentials in kinds
        for credential in credentials
    ]
