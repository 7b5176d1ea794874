"""Issuing access tokens (RFC 6749 §5.1, RFC 8707, RFC 9068), signed or opaque."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.opaque_tokens import mint
from registrary.authserver.presented import Refusal
from registrary.authserver.resources import MIXED_FORMATS, targets_of
from registrary.authserver.services import ServerServices
from registrary.authserver.status_places import (
    StatusReference,
    place_of_client,
    place_of_grant,
)
from registrary.core.changes import Put
from registrary.core.client import Client
from registrary.core.grants import Authorization, Confirmation, Grant, OpaqueAccessToken
from registrary.core.ids import new_id
from registrary.core.issuer import Issuer, Resource, TokenFormat
from registrary.core.jose import numeric_date
from registrary.core.secrets import Prefix
from registrary.ports.store import StoreUnavailable

TOKEN_TYPE: Final = "at+jwt"
GENERATION_CLAIM: Final = "gen"
GRANT_CLAIM: Final = "grant"
BEARER: Final = "Bearer"
DPOP: Final = "DPoP"
NOTHING_KNOWN: Final = Refusal("invalid_scope", "scope: the resource knows nothing of it")
_ID_DRAW_BYTES: Final = 10

Claims = dict[str, Any]  # Any: claims are JSON values of every kind


class IssuedToken(msgspec.Struct, frozen=True):
    """An access token and what is said of it in the answer (RFC 6749 §5.1).

    *scope* is what it is good for, which may be less than was asked. *puts* must be committed
    before the token leaves: an opaque one is nothing without its record.
    """

    access_token: str
    expires_in: int
    scope: str
    token_type: str = BEARER
    puts: tuple[Put, ...] = ()

    def __repr__(self) -> str:
        """Keep the token out of logs and tracebacks."""
        return f"IssuedToken({self.token_type})"


class _Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a token is for and how long it is good."""

    targets: tuple[Resource, ...]
    scope: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Issues access tokens. A signed one leaves no row of its own; issues are counted."""

    services: ServerServices

    async def issue(
        self,
        context: ServerContext,
        client: Client,
        authorization: Authorization,
        *,
        grant: Grant | None,
        scope: Sequence[str],
        resources: Sequence[str],
        confirmation: Confirmation,
        actor: Mapping[str, Any] | None = None,  # Any: an actor may name another behind it
    ) -> IssuedToken | Refusal:
        """Return a token of *client* for *scope*, meant for *resources*.

        *scope* is within *authorization*, which is the caller's matter; *resources* are held
        against it here, and none means all of them. A token about a person needs its *grant*,
        or nothing could end it. *actor* is who acts for whom it is about (RFC 8693 §4.1). Raises
        `NoSigningKey`.
        """
        targets = _of_one_format(
            targets_of(context.issuer, resources, within=authorization.resources)
        )
        if isinstance(targets, Refusal):
            return targets
        known = _known_scope(context.issuer, targets, scope)
        if scope and not known:
            return NOTHING_KNOWN
        content = self._content(context.issuer, client, grant, scope=known, targets=targets)
        claims = _claims(context.issuer, client, authorization, content=content)
        if grant is not None:
            claims[GRANT_CLAIM] = grant.id
        if actor is not None:
            claims["act"] = dict(actor)
        if bound := confirmation.claim():
            claims["cnf"] = bound
        puts: tuple[Put, ...] = ()
        if targets and targets[0].token_format is TokenFormat.OPAQUE:
            text, puts = self._opaque(context, claims, expires_at=content.expires_at)
        else:
            place = await self._status_place(context, client, grant, content=content)
            if place is not None:
                claims["status"] = place.claim()
            text = await self._signed(context, claims)
        return IssuedToken(
            access_token=text,
            expires_in=int((content.expires_at - content.issued_at).total_seconds()),
            scope=" ".join(known),
            token_type=BEARER if confirmation.jkt is None else DPOP,
            puts=puts,
        )

    def _content(
        self,
        issuer: Issuer,
        client: Client,
        grant: Grant | None,
        *,
        scope: tuple[str, ...],
        targets: tuple[Resource, ...],
    ) -> _Content:
        now = self.services.clock.now()
        expires_at = now + _lifetime(issuer, client, scope, targets=targets)
        if grant is not None:
            expires_at = min(expires_at, grant.expires_at)
        return _Content(targets=targets, scope=scope, issued_at=now, expires_at=expires_at)

    async def _status_place(
        self, context: ServerContext, client: Client, grant: Grant | None, *, content: _Content
    ) -> StatusReference | None:
        """Return where resource servers that verify offline find that the token ended.

        None where a client in its own name has no place yet and the store takes none now: no
        outage of writing keeps such clients from their tokens.
        """
        if grant is not None and any(target.verifies_offline for target in content.targets):
            return await place_of_grant(
                self.services, context, grant, expires_at=content.expires_at
            )
        try:
            return await place_of_client(self.services, context, client)
        except StoreUnavailable:
            return None

    async def _signed(self, context: ServerContext, claims: Claims) -> str:
        services = self.services
        claims["jti"] = new_id(services.clock.now(), services.draw(_ID_DRAW_BYTES))
        return await services.signer.sign_jwt(
            context.id, claims, alg=context.issuer.access_token_signing_alg, typ=TOKEN_TYPE
        )

    def _opaque(
        self, context: ServerContext, claims: Claims, *, expires_at: datetime
    ) -> tuple[str, tuple[Put, ...]]:
        minted = mint(self.services, Prefix.ACCESS_TOKEN)
        record = OpaqueAccessToken(
            issuer=context.id,
            id=minted.id,
            pepper_id=minted.pepper_id,
            mac=minted.mac,
            claims=claims | {"jti": minted.id},
            expires_at=expires_at,
        )
        return minted.token.reveal(), (Put(record),)


def own_authorization(client: Client, *, resources: Sequence[str] = ()) -> Authorization:
    """Return what *client* may do in its own name: no person is in it (RFC 9068 §2.2)."""
    return Authorization(
        client_id=client.client_id,
        subject=client.client_id,
        resources=tuple(resources),
        client_generation=client.token_generation,
    )


def _of_one_format(
    targets: tuple[Resource, ...] | Refusal,
) -> tuple[Resource, ...] | Refusal:
    """Return *targets* if one token can serve them all."""
    if isinstance(targets, Refusal):
        return targets
    is_mixed = any(target.token_format is not targets[0].token_format for target in targets)
    return MIXED_FORMATS if is_mixed else targets


def _known_scope(
    issuer: Issuer, targets: Sequence[Resource], scope: Sequence[str]
) -> tuple[str, ...]:
    """Return what of *scope* the *targets* know; what OpenID Connect defines stays beside it."""
    if any(target.scopes is None for target in targets) or not targets:
        return tuple(scope)
    known = {name for target in targets for name in target.scopes or ()}
    known |= {one.name for one in issuer.scopes if one.openid}
    return tuple(name for name in scope if name in known)


def _lifetime(
    issuer: Issuer, client: Client, scope: Sequence[str], *, targets: Sequence[Resource]
) -> timedelta:
    """Return the shortest lifetime that anybody who may say so demands."""
    named = frozenset(scope)
    demands = (
        issuer.lifetimes.access_token,
        client.access_token_lifetime,
        *(one.access_token_lifetime for one in issuer.scopes if one.name in named),
        *(target.access_token_lifetime for target in targets),
    )
    return min(demand for demand in demands if demand is not None)


def _claims(
    issuer: Issuer, client: Client, authorization: Authorization, *, content: _Content
) -> Claims:
    """Return the claims of a token (RFC 9068 §2.2), but for its id and what binds it."""
    names = [target.uri for target in content.targets] or [issuer.url]
    claims: Claims = {
        "iss": issuer.url,
        "sub": authorization.subject,
        "client_id": client.client_id,
        "aud": names[0] if len(names) == 1 else names,
        "iat": numeric_date(content.issued_at),
        "exp": numeric_date(content.expires_at),
    }
    _tell_the_sign_in(authorization, claims)
    if content.scope:
        claims["scope"] = " ".join(content.scope)
    if authorization.authorization_details:
        claims["authorization_details"] = list(authorization.authorization_details)
    if client.token_generation:
        claims[GENERATION_CLAIM] = client.token_generation
    return claims


def _tell_the_sign_in(authorization: Authorization, claims: Claims) -> None:
    """Add to *claims* when and how the person signed in (RFC 9068 §2.2.1)."""
    if authorization.auth_time is not None:
        claims["auth_time"] = numeric_date(authorization.auth_time)
    if authorization.acr is not None:
        claims["acr"] = authorization.acr
    if authorization.amr:
        claims["amr"] = list(authorization.amr)
