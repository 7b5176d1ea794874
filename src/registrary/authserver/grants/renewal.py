"""Renewing tokens by a refresh token (RFC 6749 §6, RFC 9700 §4.14.2).

A public client's is replaced with every use. Who lost the answer asks again with the old one and
gets the same answer, for a short while and until its successor is used; any other use of an old
one means that two have the token, and ends the grant. docs/adr/0011 tells why the answer is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.beginning import kept_token, renewed_until
from registrary.authserver.grants.ending import REPLAYED_REFRESH_TOKEN, end_grant
from registrary.authserver.grants.issuing import Issued, TokenDesk, scope_of
from registrary.authserver.grants.liveness import Holder, live_holder
from registrary.authserver.grants.request import (
    NOT_GOOD,
    NOT_REGISTERED,
    TokenAnswer,
    TokenRequest,
)
from registrary.authserver.opaque_tokens import opens
from registrary.authserver.presented import Refusal
from registrary.authserver.services import ATTEMPTS
from registrary.core.changes import Changes, Put
from registrary.core.errors import FieldError
from registrary.core.grants import Grant, RefreshToken
from registrary.core.metadata.grants import REFRESH_TOKEN
from registrary.core.scope import parse_scope
from registrary.core.sealing import SEAL_DRAW_BYTES, Place
from registrary.core.secrets import (
    TOKEN_DRAW_BYTES,
    ParsedToken,
    Prefix,
    Secret,
    is_of_family,
    mint_token_of_family,
    parse_token,
)
from registrary.ports.store import Conflict

NOTED_EVERY: Final = timedelta(minutes=1)
BEYOND_GRANT: Final = Refusal("invalid_scope", "scope: is more than was granted")
_decode: Final = msgspec.json.Decoder(TokenAnswer).decode


@dataclass(frozen=True, slots=True)
class RefreshGrant:
    """Gives new tokens for a refresh token, as long as its grant is live."""

    desk: TokenDesk

    async def redeem(
        self, context: ServerContext, request: TokenRequest, text: str
    ) -> TokenAnswer | Refusal:
        """Return the tokens that the refresh token *text* is good for. Raises `NoSigningKey`."""
        if not request.may_use(REFRESH_TOKEN):
            return NOT_REGISTERED
        parsed = parse_token(text, Prefix.REFRESH_TOKEN)
        if parsed is None or parsed.locator is None:
            return NOT_GOOD
        for _ in range(ATTEMPTS):
            try:
                return await self._judge(context, request, parsed)
            except Conflict:
                continue  # somebody else used it, or ended the grant: judged by what is so now
        raise Conflict(Grant.kind)

    async def _judge(
        self, context: ServerContext, request: TokenRequest, presented: ParsedToken
    ) -> TokenAnswer | Refusal:
        services, locator = self.desk.services, presented.locator or b""
        grant = await services.store.get(Grant, context.id, locator.hex())
        if grant is None or grant.refresh_token is None or not _is_bound_to(grant, request):
            return NOT_GOOD
        is_current = self._is(presented, grant.refresh_token)
        if not is_current and not self._is_retry(context, grant.refresh_token, presented):
            return await self._old(context, request, grant, presented=presented)
        holder = await live_holder(
            services.store, context, client=request.client, grant=grant, now=services.clock.now()
        )
        if holder is None:
            return NOT_GOOD
        if not is_current:
            return self._same_again(grant)
        return await self._renew(context, request, grant, holder=holder, presented=presented)

    async def _old(
        self, context: ServerContext, request: TokenRequest, grant: Grant, *, presented: ParsedToken
    ) -> Refusal:
        """End the grant of a token that was replaced; one that was made up ends nothing."""
        kept = grant.refresh_token
        if kept is not None and is_of_family(presented, key=kept.family_key):
            await end_grant(
                self.desk.services,
                context,
                grant,
                because=REPLAYED_REFRESH_TOKEN,
                visit=request.visit,
            )
        return NOT_GOOD

    async def _renew(
        self,
        context: ServerContext,
        request: TokenRequest,
        grant: Grant,
        *,
        holder: Holder,
        presented: ParsedToken,
    ) -> TokenAnswer | Refusal:
        scope = _scope_asked(grant, request)
        if isinstance(scope, Refusal):
            return scope
        services, now = self.desk.services, self.desk.services.clock.now()
        token = self._successor(grant) if request.is_public else presented.token
        renewed = msgspec.structs.replace(
            grant,
            used_at=now,
            expires_at=renewed_until(grant, context.issuer.lifetimes, now=now),
            revision=grant.revision + 1,
        )
        issued = await self.desk.issue(
            context,
            request,
            without_nonce(renewed),
            person=holder.person,
            scope=scope_of(context.issuer, request.client, scope),
            refresh_token=token,
        )
        if isinstance(issued, Refusal):
            return issued
        if request.is_public:
            renewed = self._rotated(renewed, token, issued)
        puts = issued.puts
        if request.is_public or _is_worth_noting(grant, now):
            puts = (Put(renewed, expected=grant.revision), *puts)
        if puts:
            await services.store.commit(Changes(puts=puts))
        services.issues.note(context.id, request.client.client_id, REFRESH_TOKEN)
        return issued.answer

    def _successor(self, grant: Grant) -> Secret:
        kept = grant.refresh_token
        return mint_token_of_family(
            Prefix.REFRESH_TOKEN,
            self.desk.services.draw(TOKEN_DRAW_BYTES),
            bytes.fromhex(grant.id),
            key=b"" if kept is None else kept.family_key,
        )

    def _rotated(self, grant: Grant, token: Secret, issued: Issued) -> Grant:
        """Return *grant* with *token* in the place of the one it has, and the answer kept."""
        services, replaced = self.desk.services, grant.refresh_token
        if replaced is None:
            return grant
        now = services.clock.now()
        sealed = services.secret_keys.sealer().seal(
            msgspec.json.encode(issued.answer), _place(grant), services.draw(SEAL_DRAW_BYTES)
        )
        kept = kept_token(services, token, key=replaced.family_key, now=now)
        successor = msgspec.structs.replace(
            kept, previous_mac=replaced.mac, rotated_at=now, sealed_answer=sealed
        )
        return msgspec.structs.replace(grant, refresh_token=successor)

    def _same_again(self, grant: Grant) -> TokenAnswer | Refusal:
        """Return the answer that whoever asks again did not get, byte for byte."""
        kept = grant.refresh_token
        if kept is None or kept.sealed_answer is None:
            return NOT_GOOD
        sealer = self.desk.services.secret_keys.sealer()
        return _decode(sealer.unseal(kept.sealed_answer, _place(grant)))

    def _is(self, presented: ParsedToken, kept: RefreshToken) -> bool:
        peppers = self.desk.services.secret_keys.peppers()
        return opens(presented.token, kept, peppers=peppers, prefix=Prefix.REFRESH_TOKEN)

    def _is_retry(self, context: ServerContext, kept: RefreshToken, presented: ParsedToken) -> bool:
        """Tell whether *presented* was replaced a moment ago, and its successor never used."""
        if kept.previous_mac is None or kept.rotated_at is None:
            return False
        window = context.issuer.lifetimes.refresh_token_retry
        if self.desk.services.clock.now() > kept.rotated_at + window:
            return False
        return self._is(presented, msgspec.structs.replace(kept, mac=kept.previous_mac))


def without_nonce(grant: Grant) -> Grant:
    """Return *grant* without the nonce of its request: ID tokens that come later have none.

    OpenID Connect Core §12.2.
    """
    authorization = msgspec.structs.replace(grant.authorization, nonce=None)
    return msgspec.structs.replace(grant, authorization=authorization)


def _is_worth_noting(grant: Grant, now: datetime) -> bool:
    """Tell whether *grant* was not used for a while.

    A confidential client renews from many threads at once, and they must not stand in each
    other's way for the sake of a moment.
    """
    return grant.used_at is None or now - grant.used_at >= NOTED_EVERY


def _is_bound_to(grant: Grant, request: TokenRequest) -> bool:
    """Tell whether *request* comes from the client of *grant*, with the key it is bound to."""
    if grant.authorization.client_id != request.client.client_id:
        return False
    bound, proved = grant.confirmation, request.confirmation
    return bound.jkt in (None, proved.jkt) and bound.x5t_s256 in (None, proved.x5t_s256)


def _scope_asked(grant: Grant, request: TokenRequest) -> Sequence[str] | Refusal:
    """Return the scope of the new token: what is asked for, within what was granted (§6)."""
    granted = grant.authorization.scope
    try:
        asked = parse_scope(request.scope or "")
    except FieldError as error:
        return Refusal("invalid_scope", f"scope: {error.rule}")
    if not set(asked) <= set(granted):
        return BEYOND_GRANT
    return asked or granted


def _place(grant: Grant) -> Place:
    return Place(Grant.kind, "refresh_token", grant.issuer, grant.id)
