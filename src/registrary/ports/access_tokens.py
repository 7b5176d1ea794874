"""What an access token of this server allows its bearer, for those who take it as a credential."""

from typing import Protocol

from registrary.core.draft import RegistrationAccess
from registrary.core.issuer import Issuer


class AccessTokens(Protocol):
    """Reads access tokens as a resource server of this machine would, and by what is stored."""

    async def registration_access(self, issuer: Issuer, text: str) -> RegistrationAccess | None:
        """Return what the bearer of *text* may register with; None for a token that is not live.

        One that is bound to a key is not live for who merely bears it.
        """
        ...
