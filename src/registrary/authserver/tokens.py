"""Issuing access tokens (RFC 6749 §4.4, RFC 8707, RFC 9068)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from registrary.authserver.context import ServerContext
from registrary.authserver.presented import Refusal
from registrary.core.client import Client
from registrary.core.errors import FieldError
from registrary.core.issuer import Issuer
from registrary.core.metadata.grants import CLIENT_CREDENTIALS
from registrary.core.scope import parse_scope
from registrary.core.uris import LOOPBACK_HOSTS, check_https_uri, take_apart
from registrary.ports.clock import Clock, Entropy
from registrary.ports.counter import Counter
from registrary.ports.keys import Signer

TOKEN_TYPE: Final = "at+jwt"
GENERATION_CLAIM: Final = "gen"
_JTI_BYTES: Final = 16
WRONG_GRANT: Final = Refusal("unauthorized_client", "the client did not register this grant")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token and what is said of it in the answer (RFC 6749 §5.1)."""

    access_token: str
    expires_in: int
    scope: str


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """Issues access tokens. A token leaves no row; issues are counted."""

    signer: Signer
    clock: Clock
    entropy: Entropy
    issues: Counter

    async def client_credentials(
        self, context: ServerContext, client: Client, *, scope: str | None, resources: Sequence[str]
    ) -> IssuedToken | Refusal:
        """Issue a token to *client* in its own name (RFC 6749 §4.4).

        *resources* become the audience; without any it is the issuer. Raises `NoSigningKey`.
        """
        if CLIENT_CREDENTIALS not in client.metadata.get("grant_types", ()):
            return WRONG_GRANT
        granted = granted_scope(context.issuer, client, scope)
        if isinstance(granted, Refusal):
            return granted
        for resource in resources:
            if not is_resource(context.issuer, resource):
                return Refusal("invalid_target", "resource: is not one of this issuer")
        token = await self._sign(context, client, granted, resources=resources)
        self.issues.note(context.id, client.client_id, CLIENT_CREDENTIALS)
        return token

    async def _sign(
        self, context: ServerContext, client: Client, scope: str, *, resources: Sequence[str]
    ) -> IssuedToken:
        issuer = context.issuer
        issued_at = int(self.clock.now().timestamp())
        lifetime = int(issuer.lifetimes.access_token.total_seconds())
        audience: str | list[str] = issuer.url
        if resources:
            audience = resources[0] if len(resources) == 1 else list(dict.fromkeys(resources))
        claims: dict[str, Any] = {
            "iss": issuer.url,
            "sub": client.client_id,
            "client_id": client.client_id,
            "aud": audience,
            "iat": issued_at,
            "exp": issued_at + lifetime,
            "jti": self.entropy.token_bytes(_JTI_BYTES).hex(),
        }
        if scope:
            claims["scope"] = scope
        if client.token_generation:
            claims[GENERATION_CLAIM] = client.token_generation
        alg = issuer.access_token_signing_alg
        token = await self.signer.sign_jwt(issuer.id, claims, alg=alg, typ=TOKEN_TYPE)
        return IssuedToken(token, lifetime, scope)


def granted_scope(issuer: Issuer, client: Client, asked: str | None) -> str | Refusal:
    """Return what of *asked* the client gets in its own name; without asking, all it may have.

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
        return " ".join(registered)
    granted = [name for name in tokens if name in registered]
    openid = {scope.name for scope in issuer.scopes if scope.openid}
    if not granted and not set(tokens) <= openid:
        return Refusal("invalid_scope", "scope: nothing of it was registered for this client")
    return " ".join(granted)


def is_resource(issuer: Issuer, uri: str) -> bool:
    """Tell whether tokens may be meant for *uri* (RFC 8707 §2)."""
    if any(resource.uri == uri for resource in issuer.resources):
        return True
    if not issuer.dev or "#" in uri:  # RFC 8707 §2: no fragment
        return False
    try:
        check_https_uri(uri, loopback_http=True)
        return take_apart(uri).host in LOOPBACK_HOSTS
    except FieldError:
        return False
