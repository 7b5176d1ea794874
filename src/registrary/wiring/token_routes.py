"""The use cases behind the token endpoint, put together."""

from registrary.authserver.grants.client_credentials import ClientCredentialsGrant
from registrary.authserver.grants.issuing import TokenDesk
from registrary.authserver.grants.redemption import CodeGrant
from registrary.authserver.grants.renewal import RefreshGrant
from registrary.authserver.id_tokens import IdTokens
from registrary.authserver.services import ServerServices
from registrary.authserver.tokens import AccessTokens
from registrary.protocol.token import Grants


def grants_of(services: ServerServices) -> Grants:
    """Return the use case of every grant; one of each serves all issuers."""
    access_tokens = AccessTokens(services)
    desk = TokenDesk(access_tokens, IdTokens(services))
    return Grants(
        client_credentials=ClientCredentialsGrant(access_tokens),
        code=CodeGrant(desk),
        refresh=RefreshGrant(desk),
    )
