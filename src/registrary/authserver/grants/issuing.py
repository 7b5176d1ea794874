"""Making the answer of a grant: an access token, and what goes with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.request import TokenAnswer, TokenRequest
from registrary.authserver.id_tokens import IdTokens
from registrary.authserver.presented import Refusal
from registrary.authserver.services import ServerServices
from registrary.authserver.tokens import AccessTokens
from registrary.core.changes import Put
from registrary.core.client import Client
from registrary.core.grants import Grant
from registrary.core.issuer import Issuer
from registrary.core.people import Person
from registrary.core.secrets import Secret

OPENID = "openid"
NOTHING_LEFT: Final = Refusal("invalid_scope", "scope: nothing that was allowed is to be had now")


@dataclass(frozen=True, slots=True)
class Issued:
    """An answer, and what must be committed before it leaves."""

    answer: TokenAnswer
    puts: tuple[Put, ...]


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Issues what a live grant is good for."""

    access_tokens: AccessTokens
    id_tokens: IdTokens

    @property
    def services(self) -> ServerServices:
        """Return what the tokens are made with."""
        return self.access_tokens.services

    async def issue(
        self,
        context: ServerContext,
        request: TokenRequest,
        grant: Grant,
        *,
        person: Person | None,
        scope: Sequence[str],
        refresh_token: Secret | None,
        code: str | None = None,
    ) -> Issued | Refusal:
        """Return tokens of *grant* for *scope*; an ID token where it is about a *person*.

        *code* is the one that was redeemed. Raises `NoSigningKey`.
        """
        client, authorization = request.client, grant.authorization
        if authorization.scope and not scope:
            # A token without a scope would still be for the API, and some look at nothing else.
            return NOTHING_LEFT
        token = await self.access_tokens.issue(
            context,
            client,
            authorization,
            grant=grant,
            scope=scope,
            resources=request.resources,
            confirmation=request.confirmation,
        )
        if isinstance(token, Refusal):
            return token
        id_token = None
        if person is not None and OPENID in scope:
            id_token = await self.id_tokens.issue(
                context,
                client,
                authorization,
                person=person,
                access_token=token.access_token,
                code=code,
            )
        answer = TokenAnswer(
            access_token=token.access_token,
            token_type=token.token_type,
            expires_in=token.expires_in,
            scope=token.scope or None,
            refresh_token=None if refresh_token is None else refresh_token.reveal(),
            id_token=id_token,
            authorization_details=authorization.authorization_details,
        )
        return Issued(answer, token.puts)


def scope_of(issuer: Issuer, client: Client, granted: Sequence[str]) -> tuple[str, ...]:
    """Return what of a *granted* scope is still to be had: both may have been narrowed since."""
    known = {scope.name for scope in issuer.scopes}
    registered = known.intersection(client.metadata.get("scope", "").split())
    return tuple(name for name in granted if name in registered)
