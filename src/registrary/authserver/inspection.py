"""What a token is worth now: introspection (RFC 7662) and revocation (RFC 7009)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.ending import REVOKED_BY_CLIENT, end_grant
from registrary.authserver.grants.liveness import is_live
from registrary.authserver.journal import Journal, Refusals
from registrary.authserver.opaque_tokens import opens
from registrary.authserver.presented import Refusal, Visit
from registrary.authserver.services import ServerServices
from registrary.authserver.token_reading import ReadToken, TokenReader
from registrary.authserver.tokens import BEARER, DPOP
from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.events import Tag
from registrary.core.grants import Grant
from registrary.core.jose import numeric_date
from registrary.core.records import RevokedToken
from registrary.core.secrets import ParsedToken, Prefix, is_of_family, parse_token
from registrary.ports.store import Conflict

_SHOWN: Final = (
    "iss",
    "sub",
    "aud",
    "client_id",
    "iat",
    "exp",
    "jti",
    "scope",
    "cnf",
    "act",
    "authorization_details",
    "auth_time",
    "acr",
    "amr",
)
INACTIVE: Final[Mapping[str, Any]] = {"active": False}
FOREIGN: Final = Refusal("invalid_grant", "the token was issued to another client")


@dataclass(frozen=True, slots=True)
class TokenInspector:
    """Tells what tokens are worth to those they concern, and ends them for those they are of."""

    services: ServerServices
    reader: TokenReader

    async def introspect(
        self, context: ServerContext, caller: Client, token: str
    ) -> Mapping[str, Any]:
        """Return what *caller* may know of *token*; inactive for whatever is not its business.

        A client may introspect its own tokens, a resource server those meant for it.
        """
        if token.startswith(Prefix.REFRESH_TOKEN):
            return await self._refresh_token(context, caller, token)
        read = await self.reader.read(context, token)
        if read is None or not concerns(context, caller, read):
            return INACTIVE
        if await self.reader.live(context, read) is None:
            return INACTIVE
        kind = BEARER if read.jkt is None else DPOP
        shown = {name: read.claims[name] for name in _SHOWN if name in read.claims}
        return {"active": True, "token_type": kind, **shown}

    async def _refresh_token(
        self, context: ServerContext, caller: Client, text: str
    ) -> Mapping[str, Any]:
        """Return what a client may know of its own refresh token: no other has any use for it."""
        found = await self._grant_of(context, text)
        if found is None or found[0].authorization.client_id != caller.client_id:
            return INACTIVE
        grant, presented = found
        services, kept = self.services, grant.refresh_token
        if kept is None or not opens(
            presented.token,
            kept,
            peppers=services.secret_keys.peppers(),
            prefix=Prefix.REFRESH_TOKEN,
        ):
            return INACTIVE
        now = services.clock.now()
        if not await is_live(services.store, context, client=caller, grant=grant, now=now):
            return INACTIVE
        return {
            "active": True,
            "iss": context.issuer.url,
            "sub": grant.authorization.subject,
            "client_id": caller.client_id,
            "scope": " ".join(grant.authorization.scope),
            "iat": numeric_date(kept.issued_at),
            "exp": numeric_date(grant.expires_at),
        }

    async def revoke(
        self, context: ServerContext, caller: Client, token: str, *, visit: Visit
    ) -> Refusal | None:
        """End *token* if it is one of *caller*'s; a token that is not good is already ended.

        Another client's token is refused, as RFC 7009 §2.1 demands. The code is RFC 6749's for a
        grant that was issued to another client; silence would let a thief believe it was ended.
        """
        if token.startswith(Prefix.REFRESH_TOKEN):
            return await self._revoke_grant(context, caller, token, visit=visit)
        read = await self.reader.read(context, token)
        if read is None:
            return None
        if read.client_id != caller.client_id:
            detail = {"jti": read.jti, "issued_to": read.client_id}
            return await self._foreign(context, caller, detail, visit=visit)
        event = self._journal().event(
            context, caller, Tag.TOKEN_REVOKED, visit=visit, detail={"jti": read.jti}
        )
        try:
            put = self._ended(context, read)
            await self.services.store.commit(Changes(puts=(put,), events=(event,)))
        except Conflict:
            return None  # it was revoked before
        return None

    async def _revoke_grant(
        self, context: ServerContext, caller: Client, text: str, *, visit: Visit
    ) -> Refusal | None:
        """End the grant of a refresh token, one that was replaced too (RFC 7009 §2.1)."""
        found = await self._grant_of(context, text)
        if found is None:
            return None
        grant, presented = found
        kept = grant.refresh_token
        if kept is None or not is_of_family(presented, key=kept.family_key):
            return None  # somebody made it up
        owner = grant.authorization.client_id
        if owner != caller.client_id:
            detail = {"grant": grant.id, "issued_to": owner}
            return await self._foreign(context, caller, detail, visit=visit)
        await end_grant(self.services, context, grant, because=REVOKED_BY_CLIENT, visit=visit)
        return None

    async def _foreign(
        self, context: ServerContext, caller: Client, detail: Mapping[str, Any], *, visit: Visit
    ) -> Refusal:
        # Tokens reach other clients by leaks and by theft; whoever looks into it needs both.
        services = self.services
        await Refusals(services.store, self._journal(), services.refusals).note(
            context,
            caller,
            FOREIGN,
            visit=visit,
            tag=Tag.TOKEN_REVOCATION_REFUSED,
            detail=detail,
        )
        return FOREIGN

    async def _grant_of(
        self, context: ServerContext, text: str
    ) -> tuple[Grant, ParsedToken] | None:
        parsed = parse_token(text, Prefix.REFRESH_TOKEN)
        if parsed is None or parsed.locator is None:
            return None
        grant = await self.services.store.get(Grant, context.id, parsed.locator.hex())
        return None if grant is None else (grant, parsed)

    def _ended(self, context: ServerContext, token: ReadToken) -> Put:
        """Return what ends an access token: the record of an opaque one, or a note of its id."""
        now = self.services.clock.now()
        if token.record is not None:
            record = msgspec.structs.replace(
                token.record, revoked_at=now, revision=token.record.revision + 1
            )
            return Put(record, expected=token.record.revision)
        ended = RevokedToken(
            issuer=context.id,
            jti=token.jti,
            client_id=token.client_id,
            revoked_at=now,
            expires_at=token.expires_at + timedelta(minutes=1),
        )
        return Put(ended)

    def _journal(self) -> Journal:
        return Journal(self.services.clock, self.services.entropy)


def concerns(context: ServerContext, caller: Client, token: ReadToken) -> bool:
    """Tell whether *token* is *caller*'s own, or meant for a resource that it speaks for."""
    if token.client_id == caller.client_id:
        return True
    return any(
        resource.uri in token.audience and caller.client_id in resource.introspecting_clients
        for resource in context.issuer.resources
    )
