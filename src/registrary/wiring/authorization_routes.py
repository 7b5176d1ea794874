"""The addresses at which clients ask people, or push what they will ask."""

from registrary.authserver.context import ServerContext
from registrary.authserver.services import ServerServices
from registrary.protocol.authorization import PATH, AuthorizationEndpoint
from registrary.protocol.conversation import Desk
from registrary.protocol.routes import FORM_BODY_BYTES, Route


def authorization_routes(context: ServerContext, services: ServerServices) -> tuple[Route, ...]:
    """Return the authorization endpoint of an issuer."""
    authorization = AuthorizationEndpoint(services, context, Desk(services, context))
    return (
        Route(
            PATH,
            {"GET": authorization.ask, "POST": authorization.answer},
            announced_as="authorization_endpoint",
            body_limit=FORM_BODY_BYTES,
            for_people=True,
        ),
    )
