"""Where somebody leaves, and where others learn that something ended."""

from registrary.authserver.context import ServerContext
from registrary.authserver.services import ServerServices
from registrary.authserver.status_lists import StatusLists
from registrary.protocol.conversation import Desk
from registrary.protocol.logout import LogoutEndpoint
from registrary.protocol.routes import Route
from registrary.protocol.status_lists import StatusListEndpoint


def revocation_routes(context: ServerContext, services: ServerServices) -> tuple[Route, ...]:
    """Return the addresses at which sessions end, and an issuer says what it revoked."""
    return (
        LogoutEndpoint(services, context, Desk(services, context)).route(),
        *StatusListEndpoint(context, StatusLists(services)).routes(),
    )
