"""The routes of an issuer: every endpoint it has, bound to its use cases."""

from dataclasses import dataclass

from registrary.core.issuer import Issuer
from registrary.core.metadata import offer_for
from registrary.protocol.configuration import ConfigurationEndpoint
from registrary.protocol.discovery import DiscoveryEndpoint
from registrary.protocol.registration import RegistrationEndpoint
from registrary.protocol.routes import REGISTRATION_BODY_BYTES, Route
from registrary.registrar.context import IssuerContext
from registrary.registrar.management import Manager
from registrary.registrar.registration import Registrar
from registrary.wiring.directory import Site


@dataclass(frozen=True, slots=True)
class UseCases:
    """What endpoints call; one of each serves every issuer."""

    registrar: Registrar
    manager: Manager


def context_of(issuer: Issuer) -> IssuerContext:
    """Return what use cases know of *issuer*."""
    return IssuerContext(
        issuer=issuer,
        offer=offer_for(issuer.rule_set.value, issuer.scopes),
        registration_endpoint=f"{issuer.url}/register",
    )


def site_of(issuer: Issuer, use_cases: UseCases) -> Site:
    """Return *issuer* with its routes."""
    context = context_of(issuer)
    routes = registration_routes(context, use_cases)
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
