"""The routes of an issuer: every endpoint it has, bound to its use cases."""

from dataclasses import dataclass

from registrary.authserver.client_authentication import ClientAuthenticator
from registrary.authserver.services import ServerServices
from registrary.core.issuer import Issuer
from registrary.ports.keys import Signer
from registrary.ports.pictures import Pictures
from registrary.protocol.configuration import ConfigurationEndpoint
from registrary.protocol.discovery import DiscoveryEndpoint
from registrary.protocol.jwks import JwksEndpoint
from registrary.protocol.logo import PATH as LOGOS
from registrary.protocol.logo import LogoEndpoint
from registrary.protocol.loopback import at_loopback
from registrary.protocol.registration import RegistrationEndpoint
from registrary.protocol.routes import REGISTRATION_BODY_BYTES, Route
from registrary.protocol.transmitter import NAME as SSF_CONFIGURATION
from registrary.protocol.transmitter import TransmitterEndpoint
from registrary.registrar.context import IssuerContext
from registrary.registrar.management import Manager
from registrary.registrar.registration import Registrar
from registrary.wiring.administration import Administration, admin_routes
from registrary.wiring.authorization_routes import authorization_routes
from registrary.wiring.contexts import NOTHING_ADDED, Deployment, context_of, server_context_of
from registrary.wiring.directory import Site
from registrary.wiring.people_routes import people_routes
from registrary.wiring.revocation_routes import revocation_routes
from registrary.wiring.token_routes import device_routes, token_routes


@dataclass(frozen=True, slots=True)
class UseCases:
    """What endpoints call; one of each serves every issuer."""

    server: ServerServices
    registrar: Registrar
    manager: Manager
    authenticator: ClientAuthenticator
    signer: Signer
    administration: Administration
    pictures: Pictures
    deployment: Deployment = NOTHING_ADDED


def site_of(issuer: Issuer, use_cases: UseCases) -> Site:
    """Return *issuer* with its routes."""
    context = context_of(issuer, use_cases.deployment)
    mtls_url = use_cases.deployment.mtls_url(issuer)
    routes = (
        *registration_routes(context, use_cases),
        *server_routes(issuer, use_cases),
        *admin_routes(context, use_cases.administration),
    )
    discovery = DiscoveryEndpoint(context, routes, mtls_url=mtls_url)
    metadata = Route("/.well-known/", {"GET": discovery.show}, cors=True)
    if issuer.dev:
        routes = tuple(at_loopback(route) if route.for_people else route for route in routes)
    documents = ((SSF_CONFIGURATION, TransmitterEndpoint(issuer).route()),)
    return Site(issuer, routes, metadata, documents)


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
    context = server_context_of(issuer, used.deployment)
    keys = JwksEndpoint(issuer.id, used.signer)
    logos = LogoEndpoint(issuer, used.server.store, used.pictures)

    return (
        *authorization_routes(context, used.server, used.authenticator),
        Route("/jwks", {"GET": keys.show}, "jwks_uri", cors=True),
        *token_routes(context, used.server, used.authenticator),
        *device_routes(context, used.server, used.authenticator),
        Route(f"{LOGOS}{{client_id}}", {"GET": logos.show}),
        *people_routes(context, used.server),
        *revocation_routes(context, used.server),
    )
