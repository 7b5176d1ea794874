"""The admin API of an issuer, and the one-time set-up link: operations bound to use cases."""

from dataclasses import dataclass
from datetime import timedelta

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.keeping import PeopleKeeper
from registrary.authserver.people.provider_keeping import ProviderKeeper
from registrary.authserver.people.ways_in import WaysIn
from registrary.ports.audit_log import AuditLog
from registrary.ports.exchanger import NOBODY, Exchanger
from registrary.ports.keys import KeyMaker, Signer
from registrary.protocol.admin.admin_tokens import AdminTokenOperations
from registrary.protocol.admin.audit import AuditOperations
from registrary.protocol.admin.catalogue import CatalogueOperations
from registrary.protocol.admin.clients import ClientOperations
from registrary.protocol.admin.event_streams import EventStreamOperations
from registrary.protocol.admin.identity_providers import IdentityProviderOperations
from registrary.protocol.admin.initial_access_tokens import InitialAccessTokenOperations
from registrary.protocol.admin.issuers import IssuerOperations
from registrary.protocol.admin.keys import KeyOperations
from registrary.protocol.admin.openapi import describe_api
from registrary.protocol.admin.operations import PREFIX, Operation, routes_of
from registrary.protocol.admin.people import PeopleOperations
from registrary.protocol.admin.setup import SetupEndpoint
from registrary.protocol.http import CACHED, JSON, HttpRequest, HttpResponse
from registrary.protocol.routes import Route
from registrary.registrar.admin_access import AdminAccess
from registrary.registrar.admin_tokens import AdminTokens
from registrary.registrar.administration import Administrator
from registrary.registrar.allowances import Allowances
from registrary.registrar.catalogue import Catalogue
from registrary.registrar.context import IssuerContext
from registrary.registrar.event_streams import EventStreams
from registrary.registrar.first_administrator import FirstAdministrator
from registrary.registrar.initial_access_tokens import InitialAccessTokens
from registrary.registrar.issuers import IssuerKeeper
from registrary.registrar.key_keeping import KeyKeeper
from registrary.registrar.permissions import Caller
from registrary.registrar.services import Services


@dataclass(frozen=True, slots=True)
class Administration:
    """What the admin API calls, and how it knows its callers; one serves every issuer.

    Set-up links are only good where *access* knows no token from the settings.
    """

    services: Services
    log: AuditLog
    signer: Signer
    key_maker: KeyMaker
    access: AdminAccess
    exchanger: Exchanger = NOBODY


def admin_routes(context: IssuerContext, used: Administration) -> tuple[Route, ...]:
    """Return the addresses of the admin API of one issuer."""
    operations = admin_operations(context, used)
    document = msgspec.json.encode(describe_api(operations, context.issuer.url))

    async def show_description(request: HttpRequest) -> HttpResponse:
        del request
        return HttpResponse(200, (JSON, *CACHED), document)

    description = Route(f"{PREFIX}/openapi.json", {"GET": show_description})
    setup = SetupEndpoint(context, FirstAdministrator(used.services))
    return (
        description,
        *routes_of(operations, _Door(context, used.access)),
        *(() if used.access.has_operator_token else (setup.route(),)),
    )


def admin_operations(context: IssuerContext, used: Administration) -> tuple[Operation, ...]:
    """Return every operation of the admin API of one issuer."""
    services, store = used.services, used.services.store
    administrator = Administrator(services)
    keeper = KeyKeeper(services, used.key_maker, used.signer)
    return (
        *ClientOperations(context, store, used.log, administrator, Allowances(services)).rows(),
        *InitialAccessTokenOperations(context, store, InitialAccessTokens(services)).rows(),
        *AdminTokenOperations(context, store, AdminTokens(services)).rows(),
        *IssuerOperations(context, store, IssuerKeeper(services)).rows(),
        *CatalogueOperations(context, store, Catalogue(IssuerKeeper(services))).rows(),
        *EventStreamOperations(context, store, EventStreams(services)).rows(),
        *KeyOperations(context, keeper, used.signer).rows(),
        *people_operations(context, used),
        *AuditOperations(context.issuer, used.log, used.signer).rows(),
    )


def people_operations(context: IssuerContext, used: Administration) -> tuple[Operation, ...]:
    """Return the operations on people, and on where they sign in."""
    services, store = used.services, used.services.store
    about = ServerContext(context.issuer, context.offer, f"{context.issuer.url}/token")
    keeper = ProviderKeeper(services, services.fetcher, used.exchanger)
    people = PeopleOperations(
        about, store, services.clock, PeopleKeeper(services), WaysIn(services)
    )
    return (*people.rows(), *IdentityProviderOperations(about, store, keeper).rows())


class _Door:
    """Lets administrators of one issuer in, and notes who was turned away."""

    def __init__(self, context: IssuerContext, access: AdminAccess) -> None:
        self._context = context
        self._access = access

    async def find(self, token: str, request: HttpRequest) -> Caller | None:
        """Return who bears *token*; None for one that is not good."""
        return await self._access.find(self._context.id, token, address=request.peer or None)

    def turn_away(self, request: HttpRequest) -> timedelta | None:
        """Count somebody whose token is not good; return how long they have to wait."""
        return self._access.turn_away(self._context.issuer, request.peer)

    async def refused(self, caller: Caller, permission: str) -> None:
        """Write down that *caller* lacks *permission*."""
        await self._access.note_refused(self._context, caller, permission=permission)
