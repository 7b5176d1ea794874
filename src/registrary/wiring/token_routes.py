"""The addresses at which tokens are had, judged and used, and the use cases behind them."""

from registrary.authserver.client_authentication import ClientAuthenticator
from registrary.authserver.context import ServerContext
from registrary.authserver.grants.client_credentials import ClientCredentialsGrant
from registrary.authserver.grants.device import DeviceGrant, Devices
from registrary.authserver.grants.issuing import TokenDesk
from registrary.authserver.grants.jwt_bearer import JwtBearerGrant
from registrary.authserver.grants.redemption import CodeGrant
from registrary.authserver.grants.renewal import RefreshGrant
from registrary.authserver.id_tokens import IdTokens
from registrary.authserver.inspection import TokenInspector
from registrary.authserver.people.provider_metadata import ProviderDirectory
from registrary.authserver.proofs import ProofJudge
from registrary.authserver.services import ServerServices
from registrary.authserver.signed_inspection import SignedAnswers
from registrary.authserver.token_exchange import ExchangeGrant
from registrary.authserver.token_reading import TokenReader
from registrary.authserver.tokens import AccessTokens
from registrary.authserver.userinfo import UserInfo
from registrary.protocol.back_channel import BackChannel
from registrary.protocol.conversation import Desk
from registrary.protocol.device import PATH as DEVICE
from registrary.protocol.device import DeviceAuthorizationEndpoint, DevicePages
from registrary.protocol.dpop import ProofReader
from registrary.protocol.inspection import InspectionEndpoint
from registrary.protocol.routes import FORM_BODY_BYTES, Handler, Route
from registrary.protocol.token import Grants, TokenEndpoint
from registrary.protocol.userinfo import UserInfoEndpoint


def grants_of(services: ServerServices, *, loopback_http: bool = False) -> Grants:
    """Return the use case of every grant.

    With *loopback_http* identity providers may be at plain http on this machine.
    """
    access_tokens = AccessTokens(services)
    desk = TokenDesk(access_tokens, IdTokens(services))
    providers = ProviderDirectory(services.fetcher, loopback_http=loopback_http)
    return Grants(
        client_credentials=ClientCredentialsGrant(access_tokens),
        code=CodeGrant(desk),
        refresh=RefreshGrant(desk),
        device=DeviceGrant(desk),
        exchange=ExchangeGrant(access_tokens, TokenReader(services)),
        jwt_bearer=JwtBearerGrant(desk, providers),
    )


def token_routes(
    context: ServerContext, services: ServerServices, authenticator: ClientAuthenticator
) -> tuple[Route, ...]:
    """Return the addresses for clients with tokens, and for those who judge them."""
    channel = BackChannel(context, authenticator)
    proofs = ProofReader(context, ProofJudge(services))
    token = TokenEndpoint(channel, grants_of(services, loopback_http=context.issuer.dev), proofs)
    reader = TokenReader(services)
    inspection = InspectionEndpoint(
        channel, TokenInspector(services, reader), SignedAnswers(services)
    )
    userinfo = UserInfoEndpoint(proofs, reader, UserInfo(services))

    def form(path: str, handler: Handler, announced_as: str, *, cors: bool) -> Route:
        return Route(path, {"POST": handler}, announced_as, cors, body_limit=FORM_BODY_BYTES)

    return (
        form("/token", token.grant, "token_endpoint", cors=True),
        form("/introspect", inspection.introspect, "introspection_endpoint", cors=False),
        form("/revoke", inspection.revoke, "revocation_endpoint", cors=True),
        Route(
            "/userinfo",
            {"GET": userinfo.show, "POST": userinfo.show},
            "userinfo_endpoint",
            cors=True,
            body_limit=FORM_BODY_BYTES,
        ),
    )


def device_routes(
    context: ServerContext, services: ServerServices, authenticator: ClientAuthenticator
) -> tuple[Route, ...]:
    """Return where devices begin, and where people let them in."""
    devices = Devices(services)
    begin = DeviceAuthorizationEndpoint(BackChannel(context, authenticator), devices)
    pages = DevicePages(services, context, Desk(services, context), devices)
    handlers: dict[str, Handler] = {"GET": pages.show, "POST": pages.answer}
    return (
        Route(
            "/device_authorization",
            {"POST": begin.start},
            "device_authorization_endpoint",
            body_limit=FORM_BODY_BYTES,
        ),
        Route(DEVICE, handlers, body_limit=FORM_BODY_BYTES, for_people=True),
    )
