"""Identity providers in the admin API: where the people of an issuer sign in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.attempts import return_address
from registrary.authserver.people.provider_keeping import ProviderKeeper, ProviderWish
from registrary.core.people import IdentityProvider
from registrary.core.secrets import Secret
from registrary.ports.store import Store
from registrary.protocol.admin.lists import page_limit
from registrary.protocol.admin.operations import PAGED, Answer, Call, Operation
from registrary.protocol.admin.people_refusals import told
from registrary.registrar.administration import NotFound
from registrary.registrar.permissions import Permission

_PATH: Final = "/identity-providers"


class NewIdentityProvider(msgspec.Struct, forbid_unknown_fields=True):
    """An OpenID provider to sign in at. *url* is its issuer identifier and cannot change.

    Without *client_id* this server registers itself there, where the provider allows that.
    *domains* are e-mail domains whose people are sent there at once. *claims* maps standard
    claims to the names the provider has for them. With *creates_people* somebody who comes for
    the first time becomes a person here. With *own_redirect_uri* it sends people back to an address
    of its own; one that joins another, or that this server registers at, does so by itself.
    """

    url: str
    name: str
    client_id: str | None = None
    client_secret: str | None = None
    scope: str = "openid profile email"
    domains: list[str] = []
    claims: dict[str, str] = {}
    creates_people: bool = True
    own_redirect_uri: bool | None = None


class IdentityProviderChange(msgspec.Struct, forbid_unknown_fields=True):
    """What of an identity provider shall become so; what is left out stays."""

    name: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    scope: str | None = None
    domains: list[str] | None = None
    claims: dict[str, str] | None = None
    creates_people: bool | None = None
    own_redirect_uri: bool | None = None
    disabled: bool | None = None


class IdentityProviderView(msgspec.Struct, frozen=True, kw_only=True):
    """An identity provider, never our secret there. *redirect_uri* is what it has to know."""

    id: str
    name: str
    url: str
    client_id: str
    has_secret: bool
    redirect_uri: str
    scope: str
    domains: tuple[str, ...]
    claims: dict[str, str]
    creates_people: bool
    own_redirect_uri: bool
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None


class IdentityProviderPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some identity providers, and where to go on."""

    items: list[IdentityProviderView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class IdentityProviderOperations:
    """Operations on the identity providers of one issuer."""

    context: ServerContext
    store: Store
    keeper: ProviderKeeper

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        read, write = Permission.IDENTITY_PROVIDERS_READ, Permission.IDENTITY_PROVIDERS_WRITE
        one = f"{_PATH}/{{id}}"
        return (
            Operation(
                method="POST",
                path=_PATH,
                permission=write,
                summary="Let people sign in at an OpenID provider.",
                run=self.create,
                body=NewIdentityProvider,
                returns=IdentityProviderView,
                status=201,
            ),
            Operation(
                method="GET",
                path=_PATH,
                permission=read,
                summary="List identity providers, oldest first.",
                run=self.list_providers,
                query=PAGED,
                returns=IdentityProviderPage,
            ),
            Operation(
                method="GET",
                path=one,
                permission=read,
                summary="Show an identity provider.",
                run=self.show,
                returns=IdentityProviderView,
            ),
            Operation(
                method="PATCH",
                path=one,
                permission=write,
                summary="Change an identity provider.",
                run=self.change,
                body=IdentityProviderChange,
                returns=IdentityProviderView,
            ),
            Operation(
                method="DELETE",
                path=one,
                permission=write,
                summary="Remove an identity provider; the people it made known stay.",
                run=self.remove,
                status=204,
            ),
        )

    async def create(self, call: Call) -> Answer:
        """Add a provider."""
        wanted: NewIdentityProvider = call.read(NewIdentityProvider)
        wish = ProviderWish(
            name=wanted.name,
            client_id=wanted.client_id,
            client_secret=_secret(wanted.client_secret),
            scope=wanted.scope,
            domains=tuple(wanted.domains),
            claims=wanted.claims,
            creates_people=wanted.creates_people,
            own_redirect_uri=wanted.own_redirect_uri,
        )
        with told():
            made = await self.keeper.create(self.context, wanted.url, wish, actor=call.caller.actor)
        return Answer(self._view(made), status=201, revision=made.revision)

    async def list_providers(self, call: Call) -> Answer:
        """List providers by id, oldest first."""
        page = await self.store.page(
            IdentityProvider,
            self.context.id,
            after=call.query.get("cursor"),
            limit=page_limit(call.query),
        )
        items = [self._view(record) for record in page.records]
        return Answer(IdentityProviderPage(items=items, next_cursor=page.next_after))

    async def show(self, call: Call) -> Answer:
        """Show one provider."""
        found = await self.store.get(IdentityProvider, self.context.id, call.path["id"])
        if found is None:
            raise NotFound("identity provider")
        return Answer(self._view(found), revision=found.revision)

    async def change(self, call: Call) -> Answer:
        """Change what the body names."""
        wanted: IdentityProviderChange = call.read(IdentityProviderChange)
        wish = ProviderWish(
            name=wanted.name,
            client_id=wanted.client_id,
            client_secret=_secret(wanted.client_secret),
            scope=wanted.scope,
            domains=None if wanted.domains is None else tuple(wanted.domains),
            claims=wanted.claims,
            creates_people=wanted.creates_people,
            own_redirect_uri=wanted.own_redirect_uri,
            disabled=wanted.disabled,
        )
        with told():
            changed = await self.keeper.change(
                self.context,
                call.path["id"],
                wish,
                actor=call.caller.actor,
                expected=call.expected_revision(),
            )
        return Answer(self._view(changed), revision=changed.revision)

    async def remove(self, call: Call) -> Answer:
        """Remove a provider."""
        with told():
            await self.keeper.remove(self.context, call.path["id"], actor=call.caller.actor)
        return Answer(status=204)

    def _view(self, provider: IdentityProvider) -> IdentityProviderView:
        return IdentityProviderView(
            id=provider.id,
            name=provider.name,
            url=provider.url,
            client_id=provider.client_id,
            has_secret=provider.sealed_secret is not None,
            redirect_uri=return_address(self.context, provider),
            scope=provider.scope,
            domains=provider.domains,
            claims=provider.claims,
            creates_people=provider.creates_people,
            own_redirect_uri=provider.own_redirect_uri,
            created_at=provider.created_at,
            updated_at=provider.updated_at,
            disabled_at=provider.disabled_at,
        )


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)
