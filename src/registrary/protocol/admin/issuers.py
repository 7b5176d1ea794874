"""Issuers and their keys in the admin API."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from registrary.core.events import Actor
from registrary.core.issuer import Issuer, RegistrationPolicy
from registrary.ports.keys import Signer
from registrary.ports.store import Store
from registrary.protocol.admin.operations import Answer, Call, Operation
from registrary.registrar.context import IssuerContext


class IssuerRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An issuer to make: its address, and how it takes registrations."""

    url: str
    mode: str = "protected"
    rule_set: str = "rfc9700"


class IssuerChange(msgspec.Struct, forbid_unknown_fields=True):
    """What of an issuer shall change; what is left out stays as it is."""

    mode: str | None = None
    policies: list[RegistrationPolicy] | None = None
    default_policies: list[str] | None = None


CreateIssuer = Callable[[IssuerRequest, Actor], Awaitable[Issuer]]
ChangeIssuer = Callable[[str, IssuerChange, Actor], Awaitable[Issuer]]


@dataclass(frozen=True, slots=True)
class IssuerOperations:
    """Operations on all issuers of the store, and on the keys of this one."""

    context: IssuerContext
    store: Store
    signer: Signer
    create: CreateIssuer
    change: ChangeIssuer

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        return (
            Operation("GET", "/issuers", "issuers:read", "List issuers.", self.list_issuers),
            Operation(
                "POST", "/issuers", "issuers:write", "Make an issuer.", self.add, IssuerRequest
            ),
            Operation(
                "PATCH",
                "/issuers/{id}",
                "issuers:write",
                "Change an issuer.",
                self.alter,
                IssuerChange,
            ),
            Operation("GET", "/keys", "keys:read", "Show the public keys.", self.keys),
        )

    async def list_issuers(self, call: Call) -> Answer:
        """List every issuer, oldest first."""
        del call
        issuers: Sequence[Issuer] = await self.store.issuers()
        return Answer({"items": [issuer_view(issuer) for issuer in issuers], "next_cursor": None})

    async def add(self, call: Call) -> Answer:
        """Make an issuer; it is served within a second."""
        issuer = await self.create(call.read(IssuerRequest), call.caller.actor)
        return Answer(issuer_view(issuer), status=201)

    async def alter(self, call: Call) -> Answer:
        """Change an issuer; the change is served within a second."""
        wanted = call.read(IssuerChange)
        return Answer(issuer_view(await self.change(call.path["id"], wanted, call.caller.actor)))

    async def keys(self, call: Call) -> Answer:
        """Show the public halves of the signing keys."""
        del call
        return Answer(await self.signer.public_jwks(self.context.id))


def issuer_view(issuer: Issuer) -> dict[str, Any]:
    """Return an issuer with the members an administrator may change."""
    return {
        "id": issuer.id,
        "url": issuer.url,
        "mode": issuer.mode.value,
        "rule_set": issuer.rule_set.value,
        "policies": issuer.policies,
        "default_policies": issuer.default_policies,
        "limits": issuer.limits,
        "created_at": issuer.created_at,
        "revision": issuer.revision,
    }
