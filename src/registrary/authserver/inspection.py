"""What a token is worth now: introspection (RFC 7662) and revocation (RFC 7009)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from registrary.authserver.context import ServerContext
from registrary.authserver.journal import Journal, Refusals
from registrary.authserver.presented import Refusal, Visit
from registrary.authserver.tokens import GENERATION_CLAIM, TOKEN_TYPE
from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.events import Tag
from registrary.core.jose import ClaimRules, Claims, JoseError, verify_jwt
from registrary.core.records import RevokedToken
from registrary.ports.clock import Clock, Entropy
from registrary.ports.counter import Counter
from registrary.ports.keys import Signer
from registrary.ports.store import Conflict, Store

_ALGORITHMS: Final = ("ES256", "RS256", "EdDSA")
_SHOWN: Final = ("iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope")
INACTIVE: Final[Mapping[str, Any]] = {"active": False}
FOREIGN: Final = Refusal("invalid_grant", "the token was issued to another client")


@dataclass(frozen=True, slots=True)
class TokenInspector:
    """Judges access tokens as a resource server would, and by what the store knows besides.

    *refusals* counts what strangers were refused; None counts nothing.
    """

    store: Store
    signer: Signer
    clock: Clock
    entropy: Entropy
    refusals: Counter | None = None

    async def introspect(
        self, context: ServerContext, caller: Client, token: str
    ) -> Mapping[str, Any]:
        """Return what *caller* may know of *token*; inactive for whatever is not its business.

        A client may introspect its own tokens, a resource server those meant for it.
        """
        claims = await self._read(context, token)
        if claims is None or not _concerns(context, caller, claims):
            return INACTIVE
        if not await self._is_active(context, claims):
            return INACTIVE
        shown = {name: claims.members[name] for name in _SHOWN if name in claims.members}
        return {"active": True, "token_type": "Bearer", **shown}

    async def revoke(
        self, context: ServerContext, caller: Client, token: str, *, visit: Visit
    ) -> Refusal | None:
        """End *token* if it is one of *caller*'s; a token that is not good is already ended.

        Another client's token is refused, as RFC 7009 §2.1 demands. The code is RFC 6749's for a
        grant that was issued to another client; silence would let a thief believe it was ended.
        """
        claims = await self._read(context, token)
        if claims is None or claims.jti is None:
            return None
        owner = claims.members.get("client_id")
        if owner != caller.client_id:
            # Tokens reach other clients by leaks and by theft; whoever looks into it needs both.
            await self._refusals().note(
                context,
                caller,
                FOREIGN,
                visit=visit,
                tag=Tag.TOKEN_REVOCATION_REFUSED,
                detail={"jti": claims.jti, "issued_to": owner},
            )
            return FOREIGN
        ended = RevokedToken(
            issuer=context.id,
            jti=claims.jti,
            client_id=caller.client_id,
            revoked_at=self.clock.now(),
            expires_at=claims.expires_at + timedelta(minutes=1),
        )
        event = Journal(self.clock, self.entropy).event(
            context, caller, Tag.TOKEN_REVOKED, visit=visit, detail={"jti": claims.jti}
        )
        try:
            await self.store.commit(Changes(puts=(Put(ended),), events=(event,)))
        except Conflict:
            return None  # it was revoked before
        return None

    def _refusals(self) -> Refusals:
        return Refusals(self.store, Journal(self.clock, self.entropy), self.refusals)

    async def _read(self, context: ServerContext, token: str) -> Claims | None:
        """Return the claims of a token that this issuer signed and that has not expired."""
        rules = ClaimRules(types=frozenset({TOKEN_TYPE}), issuer=context.issuer.url)
        jwks = await self.signer.public_jwks(context.id)
        try:
            return verify_jwt(
                token, jwks, algorithms=_ALGORITHMS, rules=rules, now=self.clock.now()
            )
        except JoseError:
            return None

    async def _is_active(self, context: ServerContext, claims: Claims) -> bool:
        """Hold the token against its client as it stands now, and against revocations."""
        client_id = claims.members.get("client_id")
        if not isinstance(client_id, str) or claims.jti is None:
            return False
        client = await self.store.get(Client, context.id, client_id)
        if client is None or not client.effects.tokens_active:
            return False
        if claims.members.get(GENERATION_CLAIM, 0) != client.token_generation:
            return False
        return await self.store.get(RevokedToken, context.id, claims.jti) is None


def _concerns(context: ServerContext, caller: Client, claims: Claims) -> bool:
    if claims.members.get("client_id") == caller.client_id:
        return True
    audience = claims.members.get("aud")
    meant_for = {audience} if isinstance(audience, str) else set(audience or ())
    return any(
        resource.uri in meant_for and caller.client_id in resource.introspecting_clients
        for resource in context.issuer.resources
    )
