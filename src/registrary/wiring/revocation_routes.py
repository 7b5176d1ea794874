"""Where others learn that something ended: status lists, and how to be told of events."""

from registrary.authserver.context import ServerContext
from registrary.authserver.services import ServerServices
from registrary.authserver.status_lists import StatusLists
from registrary.protocol.routes import Route
from registrary.protocol.status_lists import StatusListEndpoint


def revocation_routes(context: ServerContext, services: ServerServices) -> tuple[Route, ...]:
    """Return the addresses at which an issuer says what it revoked."""
    return StatusListEndpoint(context, StatusLists(services)).routes()
