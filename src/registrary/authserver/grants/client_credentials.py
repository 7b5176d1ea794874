"""Tokens for clients in their own name (RFC 6749 §4.4)."""

from dataclasses import dataclass

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.request import NOT_REGISTERED, TokenAnswer, TokenRequest
from registrary.authserver.presented import Refusal
from registrary.authserver.tokens import AccessTokens, own_authorization
from registrary.core.changes import Changes
from registrary.core.client import Client
from registrary.core.errors import FieldError
from registrary.core.issuer import Issuer
from registrary.core.metadata.grants import CLIENT_CREDENTIALS
from registrary.core.scope import parse_scope, unasked_scope


@dataclass(frozen=True, slots=True)
class ClientCredentialsGrant:
    """Issues tokens to clients in their own name."""

    access_tokens: AccessTokens

    async def redeem(self, context: ServerContext, request: TokenRequest) -> TokenAnswer | Refusal:
        """Return a token; *request*'s resources become its audience. Raises `NoSigningKey`."""
        if not request.may_use(CLIENT_CREDENTIALS):
            return NOT_REGISTERED
        client, services = request.client, self.access_tokens.services
        scope = granted_scope(context.issuer, client, request.scope)
        if isinstance(scope, Refusal):
            return scope
        token = await self.access_tokens.issue(
            context,
            client,
            own_authorization(client, resources=request.resources),
            grant=None,
            scope=scope.split(),
            resources=(),
            confirmation=request.confirmation,
        )
        if isinstance(token, Refusal):
            return token
        if token.puts:
            await services.store.commit(Changes(puts=token.puts))
        services.issues.note(context.id, client.client_id, CLIENT_CREDENTIALS)
        return TokenAnswer(
            access_token=token.access_token,
            token_type=token.token_type,
            expires_in=token.expires_in,
            scope=token.scope or None,
        )


def granted_scope(issuer: Issuer, client: Client, asked: str | None) -> str | Refusal:
    """Return what of *asked* the client gets in its own name; without asking, what is preset.

    OpenID scopes mean nothing without a person. What is asked for and not to be had is left
    out; refused only when nothing of it is left.
    """
    own = {scope.name for scope in issuer.scopes if not scope.openid}
    registered = [name for name in client.metadata.get("scope", "").split() if name in own]
    try:
        tokens = parse_scope(asked or "")
    except FieldError as error:
        return Refusal("invalid_scope", f"scope: {error.rule}")
    if not tokens:
        return " ".join(unasked_scope(issuer.scopes, registered))
    granted = [name for name in tokens if name in registered]
    openid = {scope.name for scope in issuer.scopes if scope.openid}
    if not granted and not set(tokens) <= openid:
        return Refusal("invalid_scope", "scope: nothing of it was registered for this client")
    return " ".join(granted)
