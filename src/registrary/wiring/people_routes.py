"""The addresses at which people see and change what is theirs."""

from registrary.authserver.context import ServerContext
from registrary.authserver.services import ServerServices
from registrary.protocol.account import PATH, AccountEndpoint
from registrary.protocol.conversation import Desk
from registrary.protocol.enrolment import CodeEnrolment, PasskeyEnrolment
from registrary.protocol.routes import FORM_BODY_BYTES, Handler, Route
from registrary.protocol.upstream_return import ReturnEndpoint


def people_routes(context: ServerContext, services: ServerServices) -> tuple[Route, ...]:
    """Return the account page of an issuer, and the way back from its identity providers."""
    desk = Desk(services, context)
    account = AccountEndpoint(services, context, desk)
    handlers: dict[str, Handler] = {"GET": account.show, "POST": account.act}
    return (
        Route(PATH, handlers, body_limit=FORM_BODY_BYTES, for_people=True),
        CodeEnrolment(services, context, desk).route(),
        PasskeyEnrolment(services, context, desk).route(),
        *ReturnEndpoint(services, context, desk).routes(),
    )
