"""The addresses at which clients ask people, or push what they will ask."""

from registrary.authserver.authorization.pushing import Pushing
from registrary.authserver.client_authentication import ClientAuthenticator
from registrary.authserver.context import ServerContext
from registrary.authserver.proofs import ProofJudge
from registrary.authserver.services import ServerServices
from registrary.protocol import authorization, pushed_requests
from registrary.protocol.authorization import AuthorizationEndpoint
from registrary.protocol.back_channel import BackChannel
from registrary.protocol.conversation import Desk
from registrary.protocol.dpop import ProofReader
from registrary.protocol.pushed_requests import PushedRequestEndpoint
from registrary.protocol.routes import FORM_BODY_BYTES, Route


def authorization_routes(
    context: ServerContext, services: ServerServices, authenticator: ClientAuthenticator
) -> tuple[Route, ...]:
    """Return the authorization endpoint of an issuer, and where requests to it are pushed."""
    asking = AuthorizationEndpoint(services, context, Desk(services, context))
    pushing = PushedRequestEndpoint(
        BackChannel(context, authenticator),
        ProofReader(context, ProofJudge(services)),
        Pushing(services),
    )
    return (
        Route(
            authorization.PATH,
            {"GET": asking.ask, "POST": asking.answer},
            announced_as="authorization_endpoint",
            body_limit=FORM_BODY_BYTES,
            for_people=True,
        ),
        Route(
            pushed_requests.PATH,
            {"POST": pushing.push},
            announced_as="pushed_authorization_request_endpoint",
            body_limit=FORM_BODY_BYTES,
        ),
    )
