"""The routes of an issuer: every endpoint it has, bound to its use cases."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from registrary.authserver.client_authentication import ClientAuthenticator
from registrary.authserver.context import ServerContext
from registrary.authserver.inspection import TokenInspector
from registrary.authserver.tokens import TokenIssuer
from registrary.core.events import Actor
from registrary.core.issuer import Issuer
from registrary.core.metadata import Offer, offer_for
from registrary.ports.audit_log import AuditLog
from registrary.ports.clock import Clock
from registrary.ports.keys import Signer
from registrary.ports.store import Store
from registrary.protocol import unavailable
from registrary.protocol.admin.audit import AuditOperations
from registrary.protocol.admin.clients import ClientOperations
from registrary.protocol.admin.initial_access_tokens import InitialAccessTokenOperations
from registrary.protocol.admin.issuers import IssuerChange, IssuerOperations, IssuerRequest
from registrary.protocol.admin.openapi import describe_api
from registrary.protocol.admin.operations import Caller, routes_of
from registrary.protocol.back_channel import BackChannel
from registrary.protocol.configuration import ConfigurationEndpoint
from registrary.protocol.discovery import DiscoveryEndpoint
from registrary.protocol.http import JSON, HttpRequest, HttpResponse
from registrary.protocol.inspection import InspectionEndpoint
from registrary.protocol.jwks import JwksEndpoint
from registrary.protocol.registration import RegistrationEndpoint
from registrary.protocol.routes import FORM_BODY_BYTES, REGISTRATION_BODY_BYTES, Handler, Route
from registrary.protocol.token import TokenEndpoint
from registrary.registrar.administration import Administrator
from registrary.registrar.context import IssuerContext
from registrary.registrar.issuers import IssuerKeeper, IssuerWish, parse_mode, parse_rule_set
from registrary.registrar.management import Manager
from registrary.registrar.registration import Registrar
from registrary.wiring.directory import Site
from registrary.wiring.issuers import issuer_id


@dataclass(frozen=True, slots=True)
class UseCases:
    """What endpoints call; one of each serves every issuer."""

    registrar: Registrar
    manager: Manager
    authenticator: ClientAuthenticator
    tokens: TokenIssuer
    inspector: TokenInspector
    signer: Signer
    administration: "Administration"


@dataclass(frozen=True, slots=True)
class Administration:
    """What the admin API calls, and how it knows its callers."""

    store: Store
    log: AuditLog
    signer: Signer
    administrator: Administrator
    issuers: IssuerKeeper
    clock: Clock
    authorize: Callable[[IssuerContext, str, HttpRequest], Awaitable[Caller | None]]


def offer_of(issuer: Issuer) -> Offer:
    """Return what *issuer* offers; to a developer also documents of plain http on this machine."""
    return offer_for(issuer.rule_set.value, issuer.scopes, loopback_http=issuer.dev)


def context_of(issuer: Issuer) -> IssuerContext:
    """Return what use cases know of *issuer*."""
    return IssuerContext(
        issuer=issuer,
        offer=offer_of(issuer),
        registration_endpoint=f"{issuer.url}/register",
    )


def site_of(issuer: Issuer, use_cases: UseCases) -> Site:
    """Return *issuer* with its routes."""
    context = context_of(issuer)
    routes = (
        *registration_routes(context, use_cases),
        *server_routes(issuer, use_cases),
        *admin_routes(context, use_cases.administration),
    )
    metadata = Route("/.well-known/", {"GET": DiscoveryEndpoint(context, routes).show}, cors=True)
    return Site(issuer, routes, metadata)


def registration_routes(context: IssuerContext, use_cases: UseCases) -> tuple[Route, ...]:
    """Return the addresses at which clients register and manage themselves."""
    registration = RegistrationEndpoint(context, use_cases.registrar)
    configuration = ConfigurationEndpoint(context, use_cases.manager)
    return (
        Route(
            "/register",
            {"POST": registration.create},
            announced_as="registration_endpoint",
            cors=True,
            body_limit=REGISTRATION_BODY_BYTES,
        ),
        Route(
            "/register/t/{token}",
            {"POST": registration.create_with_path_token},
            cors=True,
            body_limit=REGISTRATION_BODY_BYTES,
        ),
        Route(
            "/register/{client_id}",
            {
                "GET": configuration.read,
                "PUT": configuration.update,
                "DELETE": configuration.delete,
            },
            cors=True,
            body_limit=REGISTRATION_BODY_BYTES,
        ),
    )


def server_routes(issuer: Issuer, used: UseCases) -> tuple[Route, ...]:
    """Return the addresses of the authorization server."""
    context = ServerContext(
        issuer=issuer,
        offer=offer_of(issuer),
        token_endpoint=f"{issuer.url}/token",
    )
    channel = BackChannel(context, used.authenticator)
    token = TokenEndpoint(channel, used.tokens)
    inspection = InspectionEndpoint(channel, used.inspector)
    keys = JwksEndpoint(issuer.id, used.signer)

    def form(path: str, handler: Handler, announced_as: str, *, cors: bool) -> Route:
        return Route(path, {"POST": handler}, announced_as, cors, body_limit=FORM_BODY_BYTES)

    pages = {"GET": unavailable.page, "POST": unavailable.page}
    errors = {"GET": unavailable.error, "POST": unavailable.error}
    return (
        Route("/authorize", pages, "authorization_endpoint", body_limit=FORM_BODY_BYTES),
        form("/token", token.grant, "token_endpoint", cors=True),
        Route("/jwks", {"GET": keys.show}, "jwks_uri", cors=True),
        Route("/userinfo", errors, "userinfo_endpoint", cors=True, body_limit=FORM_BODY_BYTES),
        form("/introspect", inspection.introspect, "introspection_endpoint", cors=False),
        form("/revoke", inspection.revoke, "revocation_endpoint", cors=True),
        Route("/par", {"POST": unavailable.error}, body_limit=FORM_BODY_BYTES),
        Route("/device_authorization", {"POST": unavailable.error}, body_limit=FORM_BODY_BYTES),
        Route("/device", pages, body_limit=FORM_BODY_BYTES),
        Route("/logout", pages, body_limit=FORM_BODY_BYTES),
    )


def admin_routes(context: IssuerContext, used: Administration) -> tuple[Route, ...]:
    """Return the addresses of the admin API of one issuer."""

    async def create_issuer(wanted: IssuerRequest, actor: Actor) -> Issuer:
        issuer = made_issuer(wanted, like=context.issuer, now=used.clock.now())
        return await used.issuers.create(issuer, actor=actor)

    async def change_issuer(issuer_id: str, wanted: IssuerChange, actor: Actor) -> Issuer:
        wish = IssuerWish(
            mode=wanted.mode,
            policies=None if wanted.policies is None else tuple(wanted.policies),
            default_policies=(
                None if wanted.default_policies is None else tuple(wanted.default_policies)
            ),
        )
        return await used.issuers.change(issuer_id, wish, actor=actor)

    async def authorize(token: str, request: HttpRequest) -> Caller | None:
        return await used.authorize(context, token, request)

    operations = (
        *ClientOperations(context, used.store, used.log, used.administrator).rows(),
        *InitialAccessTokenOperations(context, used.store, used.administrator).rows(),
        *IssuerOperations(context, used.store, used.signer, create_issuer, change_issuer).rows(),
        *AuditOperations(context.issuer, used.log).rows(),
    )
    document = msgspec.json.encode(describe_api(operations, context.issuer.url))

    async def show_description(request: HttpRequest) -> HttpResponse:
        del request
        return HttpResponse(200, (JSON,), document)

    description = Route("/api/v1/openapi.json", {"GET": show_description})
    return (*routes_of(operations, authorize), description)


def made_issuer(wanted: IssuerRequest, *, like: Issuer, now: datetime) -> Issuer:
    """Return a new issuer with the scopes and lifetimes of *like*; raises `NotPossible`."""
    return msgspec.structs.replace(
        like,
        id=issuer_id(wanted.url),
        url=wanted.url,
        revision=1,
        mode=parse_mode(wanted.mode),
        rule_set=parse_rule_set(wanted.rule_set),
        policies=(),
        default_policies=(),
        log_url=None,
        created_at=now,
        updated_at=now,
    )
