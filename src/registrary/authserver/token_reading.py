"""Reading access tokens as a resource server would, and by what the store knows besides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.liveness import live_holder
from registrary.authserver.opaque_tokens import find
from registrary.authserver.services import ServerServices
from registrary.authserver.tokens import GENERATION_CLAIM, GRANT_CLAIM, TOKEN_TYPE
from registrary.core.client import Client
from registrary.core.grants import Grant, OpaqueAccessToken
from registrary.core.jose import ClaimRules, JoseError, parse_jws, verify_jws
from registrary.core.jose.jwt import parse_claims
from registrary.core.people import Person
from registrary.core.records import RevokedToken
from registrary.core.secrets import Prefix

REMEMBERED: Final = 1024  # tokens, of about three kilobytes each with their claims
_ALGORITHMS: Final = ("ES256", "RS256", "EdDSA")
_RULES: Final = ClaimRules(types=frozenset({TOKEN_TYPE}))

Claims = Mapping[str, Any]  # Any: claims are JSON values of every kind


@dataclass(frozen=True, slots=True)
class ReadToken:
    """An access token of this issuer that has not expired; whether it is live is not known yet.

    *record* is that of an opaque one.
    """

    claims: Claims
    jti: str
    client_id: str
    expires_at: datetime
    record: OpaqueAccessToken | None = None

    @property
    def scope(self) -> tuple[str, ...]:
        """Return what it is good for."""
        return tuple(str(self.claims.get("scope", "")).split())

    @property
    def audience(self) -> frozenset[str]:
        """Return whom it is meant for."""
        audience = self.claims.get("aud")
        return frozenset({audience} if isinstance(audience, str) else audience or ())

    @property
    def jkt(self) -> str | None:
        """Return the DPoP key it is bound to."""
        return dict(self.claims.get("cnf") or {}).get("jkt")

    @property
    def x5t_s256(self) -> str | None:
        """Return the certificate it is bound to."""
        return dict(self.claims.get("cnf") or {}).get("x5t#S256")


@dataclass(frozen=True, slots=True)
class LiveToken:
    """A token that is good now: whose it is, what it came of, and whom it is about."""

    token: ReadToken
    client: Client
    grant: Grant | None
    person: Person | None


class _Verified:
    """Remembers the claims of tokens whose signature was found good, for as long as the keys stay.

    Resource servers ask about the same token with every call that brings it, and the signature is
    most of what that costs. Whether a token is still good is judged anew each time.
    """

    __slots__ = ("_claims", "_jwks")

    def __init__(self) -> None:
        self._jwks: Claims = {}
        self._claims: dict[str, tuple[Claims, str | None]] = {}

    def claims(self, text: str, jwks: dict[str, Any]) -> tuple[Claims, str | None]:  # Any: JWKs
        """Return claims and type of the token *text*; raises `JoseError` for a bad signature."""
        if jwks is not self._jwks:
            self._jwks, self._claims = jwks, {}
        found = self._claims.get(text)
        if found is None:
            jws = parse_jws(text)
            found = parse_claims(verify_jws(jws, jwks, algorithms=_ALGORITHMS)), jws.typ
            if len(self._claims) >= REMEMBERED:
                del self._claims[next(iter(self._claims))]
            self._claims[text] = found
        return found


@dataclass(frozen=True, slots=True)
class TokenReader:
    """Reads access tokens, signed and opaque, and tells which are live."""

    services: ServerServices
    _verified: _Verified = field(default_factory=_Verified, init=False, repr=False, compare=False)

    async def read(self, context: ServerContext, text: str) -> ReadToken | None:
        """Return the token *text* if this issuer made it and it has not expired."""
        if text.startswith(Prefix.ACCESS_TOKEN):
            return await self._opaque(context, text)
        jwks = await self.services.signer.public_jwks(context.id)
        try:
            members, typ = self._verified.claims(text, jwks)
            claims = _RULES.check(members, typ=typ, now=self.services.clock.now())
        except JoseError:
            return None
        client_id = claims.members.get("client_id")
        if claims.jti is None or not isinstance(client_id, str):
            return None
        if members.get("iss") != context.issuer.url:
            return None
        return ReadToken(claims.members, claims.jti, client_id, claims.expires_at)

    async def _opaque(self, context: ServerContext, text: str) -> ReadToken | None:
        record = await find(
            self.services, OpaqueAccessToken, context.id, text=text, prefix=Prefix.ACCESS_TOKEN
        )
        if record is None or record.expires_at <= self.services.clock.now():
            return None
        return ReadToken(
            record.claims, record.id, record.claims["client_id"], record.expires_at, record
        )

    async def live(self, context: ServerContext, token: ReadToken) -> LiveToken | None:
        """Return *token* with what stands behind it, None when any of that has ended."""
        store = self.services.store
        client = await store.get(Client, context.id, token.client_id)
        if client is None or not client.effects.tokens_active:
            return None
        if token.claims.get(GENERATION_CLAIM, 0) != client.token_generation:
            return None
        if await self._is_revoked(context, token):
            return None
        grant_id = token.claims.get(GRANT_CLAIM)
        if grant_id is None:
            return LiveToken(token, client, None, None)
        grant = await store.get(Grant, context.id, grant_id)
        if grant is None:
            return None
        owner: Client | None = client
        if grant.authorization.client_id != client.client_id:
            # An exchanged token: the client it was first issued to must stand as well.
            owner = await store.get(Client, context.id, grant.authorization.client_id)
        if owner is None:
            return None
        now = self.services.clock.now()
        holder = await live_holder(store, context, client=owner, grant=grant, now=now)
        return None if holder is None else LiveToken(token, client, grant, holder.person)

    async def _is_revoked(self, context: ServerContext, token: ReadToken) -> bool:
        if token.record is not None:
            return token.record.revoked_at is not None
        found = await self.services.store.get(RevokedToken, context.id, token.jti)
        return found is not None
