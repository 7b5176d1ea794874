"""Clients in the admin API: what they are, what holds them, what they prove themselves with."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, assert_never

import msgspec
from msgspec import UNSET, UnsetType

from registrary.core.client import Client
from registrary.core.lifecycle import ClientState, HoldKind
from registrary.ports.audit_log import AuditLog
from registrary.ports.store import PageOf, Store
from registrary.protocol.admin.client_views import (
    ClientPage,
    ClientView,
    CredentialList,
    Explanation,
    HoldList,
    NewCredential,
    client_view,
    credential_views,
    explanation,
)
from registrary.protocol.admin.durations import parse_duration
from registrary.protocol.admin.events import (
    EVENT_FILTERS,
    EventPage,
    event_filter,
    find_events,
)
from registrary.protocol.admin.lists import PAGE_LIMIT, Span, page_limit, scan
from registrary.protocol.admin.operations import PAGED, Answer, Call, Operation, QueryParameter
from registrary.registrar.administration import Administrator, NotPossible
from registrary.registrar.allowances import Allowance, Allowances
from registrary.registrar.context import IssuerContext
from registrary.registrar.permissions import Permission

_ONE: Final = "/clients/{id}"
_READ: Final = Permission.CLIENTS_READ
_WRITE: Final = Permission.CLIENTS_WRITE


class HoldRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A hold to place: why, as a *kind* and in words, of up to 1000 characters."""

    reason: str
    kind: HoldKind = HoldKind.ADMIN


class AllowanceRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a client is allowed; what is left out stays as it is.

    *approved_scope* are restricted scopes, separated by spaces; those it does not name any more
    are taken away, with every token issued before. *access_token_lifetime* is such as ``5m``;
    null is the issuer's.
    """

    approved_scope: str | UnsetType = UNSET
    access_token_lifetime: str | UnsetType | None = UNSET


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why something is done; it is kept in the log."""

    reason: str


class CredentialRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A credential to make anew.

    *overlap* is how long the old one stays good at most, such as ``24h``; ``0s`` ends it at
    once. The issuer's own when absent.
    """

    kind: Literal["client_secret", "registration_access_token"] = "client_secret"
    overlap: str | None = None


@dataclass(frozen=True, slots=True)
class ClientOperations:
    """Operations on the clients of one issuer."""

    context: IssuerContext
    store: Store
    log: AuditLog
    administrator: Administrator
    allowances: Allowances

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        return (*self._reading(), *self._writing())

    def _reading(self) -> tuple[Operation, ...]:
        return (
            Operation(
                method="GET",
                path="/clients",
                permission=_READ,
                summary="List clients, oldest first.",
                run=self.list_clients,
                query=(*PAGED, QueryParameter("state", "Only clients in this state.")),
                returns=ClientPage,
            ),
            Operation(
                method="GET",
                path=_ONE,
                permission=_READ,
                summary="Show a client.",
                run=self.show,
                returns=ClientView,
            ),
            Operation(
                method="GET",
                path=f"{_ONE}/holds",
                permission=_READ,
                summary="Show what holds it.",
                run=self.holds,
                returns=HoldList,
            ),
            Operation(
                method="GET",
                path=f"{_ONE}/credentials",
                permission=_READ,
                summary="Show when its credentials began and end.",
                run=self.credentials,
                returns=CredentialList,
            ),
            Operation(
                method="GET",
                path=f"{_ONE}/explain",
                permission=_READ,
                summary="Explain where its values are from and what it may do.",
                run=self.explain,
                returns=Explanation,
            ),
            Operation(
                method="GET",
                path=f"{_ONE}/events",
                permission=Permission.AUDIT_READ,
                summary="Show its events, newest first.",
                run=self.events,
                query=EVENT_FILTERS,
                returns=EventPage,
            ),
        )

    def _writing(self) -> tuple[Operation, ...]:
        return (
            Operation(
                method="PATCH",
                path=_ONE,
                permission=Permission.CLIENTS_APPROVE,
                summary="Set what a client is allowed: restricted scopes, shorter tokens.",
                run=self.allow,
                body=AllowanceRequest,
                returns=ClientView,
            ),
            Operation(
                method="DELETE",
                path=_ONE,
                permission=_WRITE,
                summary="Revoke a client for good.",
                run=self.revoke,
                body=Reason,
                returns=ClientView,
            ),
            Operation(
                method="POST",
                path=f"{_ONE}/holds",
                permission=_WRITE,
                summary="Hold a client; it stops at once.",
                run=self.hold,
                body=HoldRequest,
                returns=ClientView,
                status=201,
            ),
            Operation(
                method="DELETE",
                path=f"{_ONE}/holds/{{kind}}",
                permission=_WRITE,
                summary="Lift a hold.",
                run=self.lift,
                returns=ClientView,
            ),
            Operation(
                method="POST",
                path=f"{_ONE}/credentials",
                permission=_WRITE,
                summary="Make a new secret or registration access token.",
                run=self.renew,
                body=CredentialRequest,
                returns=NewCredential,
                status=201,
            ),
        )

    async def list_clients(self, call: Call) -> Answer:
        """List clients by id, from the cursor on."""
        state, limit = _state(call), page_limit(call.query)
        size = limit if state is None else PAGE_LIMIT

        async def read(after: str | None) -> PageOf[Client]:
            return await self.store.page(Client, self.context.id, after=after, limit=size)

        def matches(client: Client) -> bool:
            return state is None or client.state is state

        span = Span(call.query.get("cursor"), limit)
        found, cursor = await scan(read, matches, span)
        return Answer(ClientPage(items=[client_view(one) for one in found], next_cursor=cursor))

    async def show(self, call: Call) -> Answer:
        """Show one client in whatever state."""
        return _shown(await self._client(call))

    async def holds(self, call: Call) -> Answer:
        """Show every hold of a client."""
        return Answer(HoldList(items=(await self._client(call)).holds))

    async def credentials(self, call: Call) -> Answer:
        """Show which credentials a client has, never what they are."""
        return Answer(CredentialList(items=credential_views(await self._client(call))))

    async def explain(self, call: Call) -> Answer:
        """Explain why a client is as it is."""
        return Answer(explanation(await self._client(call)))

    async def events(self, call: Call) -> Answer:
        """Show the events of a client, newest first."""
        client = await self._client(call)
        wanted = event_filter(call.query, client_id=client.client_id)
        limit = page_limit(call.query)
        return Answer(await find_events(self.log, self.context.id, wanted, limit=limit))

    async def allow(self, call: Call) -> Answer:
        """Set what a client is allowed."""
        wanted = call.read(AllowanceRequest)
        lifetime, scope = wanted.access_token_lifetime, wanted.approved_scope
        if isinstance(lifetime, str):
            length: timedelta | None = parse_duration(lifetime, "access_token_lifetime")
        elif lifetime is None:
            length = None
        else:
            length = (await self._client(call)).access_token_lifetime
        approved = None if isinstance(scope, UnsetType) else tuple(scope.split())
        client = await self.allowances.allow(
            self.context,
            call.path["id"],
            Allowance(approved, length),
            actor=call.caller.actor,
            expected=call.expected_revision(),
        )
        return _shown(client)

    async def revoke(self, call: Call) -> Answer:
        """Revoke a client for good."""
        reason = call.read(Reason).reason if call.body else "revoked by an administrator"
        return _shown(
            await self.administrator.revoke(
                self.context, call.path["id"], reason=reason, actor=call.caller.actor
            )
        )

    async def hold(self, call: Call) -> Answer:
        """Hold a client; it stops at once."""
        wanted = call.read(HoldRequest)
        client = await self.administrator.hold(
            self.context,
            call.path["id"],
            (wanted.kind, wanted.reason),
            actor=call.caller.actor,
        )
        return _shown(client, status=201)

    async def lift(self, call: Call) -> Answer:
        """Lift one hold."""
        try:
            kind = HoldKind(call.path["kind"])
        except ValueError as error:
            raise NotPossible("kind: must be a kind of hold") from error
        return _shown(
            await self.administrator.lift(
                self.context, call.path["id"], kind, actor=call.caller.actor
            )
        )

    async def renew(self, call: Call) -> Answer:
        """Make a new credential and show it once."""
        wanted: CredentialRequest = call.read(CredentialRequest)
        overlap = _overlap(wanted)
        match wanted.kind:
            case "client_secret":
                made = await self._new_secret(call, overlap)
            case "registration_access_token":
                made = await self._new_registration_access_token(call, overlap)
            case _:
                assert_never(wanted.kind)
        return Answer(made, status=201)

    async def _new_secret(self, call: Call, overlap: timedelta | None) -> NewCredential:
        client, secret = await self.administrator.rotate_secret(
            self.context, call.path["id"], overlap=overlap, actor=call.caller.actor
        )
        expiry = client.secrets[-1].expires_at
        return NewCredential(
            client_id=client.client_id,
            client_secret=secret.reveal(),
            client_secret_expires_at=int(expiry.timestamp()) if expiry else 0,
        )

    async def _new_registration_access_token(
        self, call: Call, overlap: timedelta | None
    ) -> NewCredential:
        client, token = await self.administrator.rotate_registration_access_token(
            self.context, call.path["id"], overlap=overlap, actor=call.caller.actor
        )
        return NewCredential(client_id=client.client_id, registration_access_token=token.reveal())

    async def _client(self, call: Call) -> Client:
        return await self.administrator.find(self.context, call.path["id"])


def _shown(client: Client, *, status: int = 200) -> Answer:
    return Answer(client_view(client), status=status, revision=client.revision)


def _state(call: Call) -> ClientState | None:
    text = call.query.get("state")
    try:
        return None if text is None else ClientState(text)
    except ValueError as error:
        raise NotPossible(f"state: must be one of {', '.join(ClientState)}") from error


def _overlap(wanted: CredentialRequest) -> timedelta | None:
    return None if wanted.overlap is None else parse_duration(wanted.overlap, "overlap")
