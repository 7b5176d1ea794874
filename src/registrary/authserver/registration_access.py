"""Access tokens with which applications are registered (scope ``dcr``)."""

from collections.abc import Callable
from dataclasses import dataclass

from registrary.authserver.context import ServerContext
from registrary.authserver.token_reading import TokenReader
from registrary.core.draft import RegistrationAccess
from registrary.core.issuer import Issuer


@dataclass(frozen=True, slots=True)
class RegistrationTokens:
    """Reads access tokens that are shown in the place of an initial access token.

    It is what the registrar's port `AccessTokens` asks for; *context_of* gives the context of
    the issuer at which a token is shown.
    """

    reader: TokenReader
    context_of: Callable[[Issuer], ServerContext]

    async def registration_access(self, issuer: Issuer, text: str) -> RegistrationAccess | None:
        """Return what the bearer of *text* may register with; None for a token that is not live.

        One that is meant for another API, or bound to a key, is of no use here.
        """
        context = self.context_of(issuer)
        token = await self.reader.read(context, text)
        if token is None or token.jkt is not None or token.x5t_s256 is not None:
            return None
        if token.audience.isdisjoint({issuer.url, f"{issuer.url}/register"}):
            return None
        live = await self.reader.live(context, token)
        if live is None:
            return None
        return RegistrationAccess(
            jti=token.jti,
            client_id=token.client_id,
            person=None if live.person is None else live.person.id,
            scope=token.scope,
            expires_at=token.expires_at,
        )
