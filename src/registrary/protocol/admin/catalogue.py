"""Scopes and resources in the admin API."""

from dataclasses import dataclass
from typing import Final

import msgspec

from registrary.core.issuer import Issuer, Resource, TokenFormat
from registrary.core.scope import ScopeDefinition
from registrary.ports.store import Store
from registrary.protocol.admin.durations import duration_text, parse_duration
from registrary.protocol.admin.operations import Answer, Call, Operation
from registrary.registrar.administration import NotFound
from registrary.registrar.catalogue import Catalogue
from registrary.registrar.context import IssuerContext
from registrary.registrar.permissions import Permission

_SCOPES: Final = "/scopes"
_SCOPE: Final = "/scopes/{name}"
_RESOURCES: Final = "/resources"
_RESOURCE: Final = "/resources/{uri}"
_READ: Final = Permission.ISSUERS_READ
_WRITE: Final = Permission.ISSUERS_WRITE
_LIFETIME: Final = "access_token_lifetime"


class ScopeView(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A scope. With *default* clients that ask for none get it; *restricted* needs approval.

    *description* is what people read when they are asked; *sensitivity* is ``low``, ``medium``
    or ``high``; an *optional* one can be left out there. *access_token_lifetime*, such as
    ``5m``, bounds tokens with it.
    """

    name: str
    description: str
    default: bool = False
    restricted: bool = False
    optional: bool = False
    sensitivity: str = "low"
    access_token_lifetime: str | None = None


class ScopeRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a scope shall be; its name stands in the address."""

    description: str
    default: bool = False
    restricted: bool = False
    optional: bool = False
    sensitivity: str = "low"
    access_token_lifetime: str | None = None


class ScopeList(msgspec.Struct, frozen=True, kw_only=True):
    """Every scope of the issuer; there is no further page."""

    items: list[ScopeView]
    next_cursor: str | None = None


class ResourceRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a resource shall be; its URI stands in the address, percent-encoded.

    *aliases* are other spellings of it. *introspecting_clients* may introspect its tokens.
    *token_format* is ``jwt`` or ``opaque``. *scopes* are those it knows, null for any. With
    *verifies_offline* each grant has its own bit in a status list.
    """

    name: str = ""
    aliases: tuple[str, ...] = ()
    introspecting_clients: tuple[str, ...] = ()
    token_format: TokenFormat = TokenFormat.JWT
    scopes: tuple[str, ...] | None = None
    access_token_lifetime: str | None = None
    is_default: bool = False
    verifies_offline: bool = False


class ResourceView(ResourceRequest, kw_only=True):
    """An API that tokens of the issuer are meant for."""

    uri: str


class ResourceList(msgspec.Struct, frozen=True, kw_only=True):
    """Every resource of the issuer; there is no further page."""

    items: list[ResourceView]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogueOperations:
    """Operations on the scopes and resources of one issuer."""

    context: IssuerContext
    store: Store
    catalogue: Catalogue

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        return (*self._on_scopes(), *self._on_resources())

    def _on_scopes(self) -> tuple[Operation, ...]:
        return (
            Operation(
                method="GET",
                path=_SCOPES,
                permission=_READ,
                summary="List scopes.",
                run=self.list_scopes,
                returns=ScopeList,
            ),
            Operation(
                method="PUT",
                path=_SCOPE,
                permission=_WRITE,
                summary="Add a scope, or replace it.",
                run=self.put_scope,
                body=ScopeRequest,
                returns=ScopeView,
            ),
            Operation(
                method="DELETE",
                path=_SCOPE,
                permission=_WRITE,
                summary="Remove a scope; no token gets it any more.",
                run=self.remove_scope,
                status=204,
            ),
        )

    def _on_resources(self) -> tuple[Operation, ...]:
        return (
            Operation(
                method="GET",
                path=_RESOURCES,
                permission=_READ,
                summary="List resources.",
                run=self.list_resources,
                returns=ResourceList,
            ),
            Operation(
                method="PUT",
                path=_RESOURCE,
                permission=_WRITE,
                summary="Add a resource, or replace it.",
                run=self.put_resource,
                body=ResourceRequest,
                returns=ResourceView,
            ),
            Operation(
                method="DELETE",
                path=_RESOURCE,
                permission=_WRITE,
                summary="Remove a resource; no token is meant for it any more.",
                run=self.remove_resource,
                status=204,
            ),
        )

    async def list_scopes(self, call: Call) -> Answer:
        """List every scope."""
        del call
        issuer = await self._issuer()
        return Answer(ScopeList(items=[scope_view(scope) for scope in issuer.scopes]))

    async def put_scope(self, call: Call) -> Answer:
        """Add a scope, or replace the one of its name."""
        wanted = call.read(ScopeRequest)
        members = msgspec.structs.asdict(wanted)
        members[_LIFETIME] = _lifetime(wanted)
        scope = ScopeDefinition(name=call.path["name"], **members)
        await self.catalogue.put_scope(self.context, scope, actor=call.caller.actor)
        return Answer(scope_view(scope))

    async def remove_scope(self, call: Call) -> Answer:
        """Remove a scope."""
        name = call.path["name"]
        await self.catalogue.remove_scope(self.context, name, actor=call.caller.actor)
        return Answer(status=204)

    async def list_resources(self, call: Call) -> Answer:
        """List every resource."""
        del call
        issuer = await self._issuer()
        return Answer(ResourceList(items=[resource_view(one) for one in issuer.resources]))

    async def put_resource(self, call: Call) -> Answer:
        """Add a resource, or replace the one with its URI."""
        wanted = call.read(ResourceRequest)
        members = msgspec.structs.asdict(wanted)
        members[_LIFETIME] = _lifetime(wanted)
        resource = Resource(uri=call.path["uri"], **members)
        await self.catalogue.put_resource(self.context, resource, actor=call.caller.actor)
        return Answer(resource_view(resource))

    async def remove_resource(self, call: Call) -> Answer:
        """Remove a resource."""
        uri = call.path["uri"]
        await self.catalogue.remove_resource(self.context, uri, actor=call.caller.actor)
        return Answer(status=204)

    async def _issuer(self) -> Issuer:
        """Return the issuer as it is stored, not as it is served: a change shows at once."""
        issuer = await self.store.get(Issuer, self.context.id, self.context.id)
        if issuer is None:
            raise NotFound("issuer")
        return issuer


def _lifetime(wanted: ScopeRequest | ResourceRequest) -> object:
    """Return how long tokens may last; raises `NotPossible`."""
    text = wanted.access_token_lifetime
    return None if text is None else parse_duration(text, _LIFETIME)


def scope_view(scope: ScopeDefinition) -> ScopeView:
    """Return a scope as it is shown."""
    members = msgspec.structs.asdict(scope)
    del members["openid"]
    members[_LIFETIME] = _text(scope)
    return ScopeView(**members)


def resource_view(resource: Resource) -> ResourceView:
    """Return a resource as it is shown."""
    members = msgspec.structs.asdict(resource)
    members[_LIFETIME] = _text(resource)
    return ResourceView(**members)


def _text(kept: ScopeDefinition | Resource) -> str | None:
    lifetime = kept.access_token_lifetime
    return None if lifetime is None else duration_text(lifetime)
