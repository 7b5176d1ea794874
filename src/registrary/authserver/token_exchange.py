"""Exchanging a token for one that may do less, or for somebody who acts on it (RFC 8693)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.beginning import begin_grant
from registrary.authserver.grants.request import NOT_REGISTERED, TokenAnswer, TokenRequest
from registrary.authserver.inspection import concerns
from registrary.authserver.presented import Refusal
from registrary.authserver.resources import resources_asked_for
from registrary.authserver.token_reading import LiveToken, ReadToken, TokenReader
from registrary.authserver.tokens import AccessTokens
from registrary.core.changes import Changes, Put
from registrary.core.errors import FieldError
from registrary.core.grants import Authorization, Grant
from registrary.core.metadata.grants import TOKEN_EXCHANGE
from registrary.core.scope import parse_scope

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
NOT_CONFIDENTIAL: Final = Refusal("unauthorized_client", "only clients that authenticate exchange")
ONE_TYPE: Final = Refusal(
    "invalid_request", f"subject_token_type and its like: must be {ACCESS_TOKEN}"
)
# §2.2.2: a subject token that is no good is an invalid request, not an invalid grant.
BAD_SUBJECT: Final = Refusal(
    "invalid_request", "subject_token: is not good, or not for this client"
)
BAD_ACTOR: Final = Refusal("invalid_request", "actor_token: is not good, or not of this client")
MORE_SCOPE: Final = Refusal("invalid_scope", "scope: is more than the subject token has")
Actor = Mapping[str, Any]  # Any: an actor may name another behind it (§4.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What is presented for an exchange, by the names of §2.1."""

    subject_token: str
    subject_token_type: str | None
    actor_token: str | None = None
    actor_token_type: str | None = None
    requested_token_type: str | None = None

    def __repr__(self) -> str:
        """Keep the tokens out of logs and tracebacks."""
        return "Exchange(…)"

    @property
    def is_of_one_type(self) -> bool:
        """Tell whether every token is an access token, and named as one."""
        is_actor_named = (self.actor_token is None) is (self.actor_token_type is None)
        named = {self.subject_token_type, self.actor_token_type or ACCESS_TOKEN}
        named.add(self.requested_token_type or ACCESS_TOKEN)
        return is_actor_named and named == {ACCESS_TOKEN}


@dataclass(frozen=True, slots=True)
class ExchangeGrant:
    """Gives a confidential client a narrower token for one that it may use.

    The new token hangs on the grant of the old one: it ends with it, and never lasts longer than
    the token it was got for.
    """

    access_tokens: AccessTokens
    reader: TokenReader

    async def redeem(
        self, context: ServerContext, request: TokenRequest, exchange: Exchange
    ) -> TokenAnswer | Refusal:
        """Return the token that *exchange* asks for. Raises `NoSigningKey`."""
        if not request.may_use(TOKEN_EXCHANGE):
            return NOT_REGISTERED
        if request.is_public:
            return NOT_CONFIDENTIAL
        if not exchange.is_of_one_type:
            return ONE_TYPE
        subject = await self._live(context, exchange.subject_token)
        if subject is None or not _may_present(context, request, subject.token):
            return BAD_SUBJECT
        actor = await self._actor(context, request, exchange, subject=subject.token)
        if isinstance(actor, Refusal):
            return actor
        scope = _scope_asked(request, subject.token)
        if isinstance(scope, Refusal):
            return scope
        return await self._settle(context, request, subject, scope=scope, actor=actor)

    async def _live(self, context: ServerContext, text: str) -> LiveToken | None:
        token = await self.reader.read(context, text)
        return None if token is None else await self.reader.live(context, token)

    async def _actor(
        self,
        context: ServerContext,
        request: TokenRequest,
        exchange: Exchange,
        *,
        subject: ReadToken,
    ) -> Actor | Refusal | None:
        """Return who acts (§4.1): whom the actor token is about, before whoever acted so far."""
        before: Actor | None = subject.claims.get("act")
        if exchange.actor_token is None:
            return before
        actor = await self._live(context, exchange.actor_token)
        if actor is None or actor.token.client_id != request.client.client_id:
            return BAD_ACTOR
        named: dict[str, Any] = {"sub": actor.token.claims["sub"]}  # Any: see `Actor`
        return named if before is None else named | {"act": before}

    async def _settle(
        self,
        context: ServerContext,
        request: TokenRequest,
        subject: LiveToken,
        *,
        scope: tuple[str, ...],
        actor: Actor | None,
    ) -> TokenAnswer | Refusal:
        services = self.access_tokens.services
        meant_for = _meant_for(context, request, subject)
        if isinstance(meant_for, Refusal):
            return meant_for
        grant, puts = self._grant(context, request, subject, meant_for=meant_for)
        issued = await self.access_tokens.issue(
            context,
            request.client,
            grant.authorization,
            grant=grant,
            scope=scope,
            resources=request.resources or meant_for,
            confirmation=request.confirmation,
            actor=actor,
        )
        if isinstance(issued, Refusal):
            return issued
        if puts or issued.puts:
            await services.store.commit(Changes(puts=(*puts, *issued.puts)))
        services.issues.note(context.id, request.client.client_id, TOKEN_EXCHANGE)
        return TokenAnswer(
            access_token=issued.access_token,
            issued_token_type=ACCESS_TOKEN,
            token_type=issued.token_type,
            expires_in=issued.expires_in,
            scope=issued.scope or None,
            authorization_details=grant.authorization.authorization_details,
        )

    def _grant(
        self,
        context: ServerContext,
        request: TokenRequest,
        subject: LiveToken,
        *,
        meant_for: tuple[str, ...],
    ) -> tuple[Grant, tuple[Put, ...]]:
        """Return the grant that the new token ends with, and what of it is new.

        A token that a client has in its own name has none yet: it gets one, about that client.
        """
        token = subject.token
        if subject.grant is not None:
            ends_at = min(subject.grant.expires_at, token.expires_at)
            allowed = subject.grant.authorization
            if not allowed.resources:
                allowed = msgspec.structs.replace(allowed, resources=meant_for)
            if token.client_id != request.client.client_id:
                # Who was shown a token gets no further than it goes: that its person allowed the
                # application more is no business of one API among several (RFC 8707 §3).
                allowed = msgspec.structs.replace(allowed, resources=meant_for)
            grant = msgspec.structs.replace(
                subject.grant, authorization=allowed, expires_at=ends_at
            )
            return grant, ()
        authorization = Authorization(
            client_id=token.client_id,
            subject=token.claims["sub"],
            scope=token.scope,
            resources=meant_for,
            client_generation=subject.client.token_generation,
        )
        begun = begin_grant(
            self.access_tokens.services,
            context,
            authorization,
            grant_type=TOKEN_EXCHANGE,
            request=request,
        )
        ends_at = min(begun.grant.expires_at, token.expires_at)
        grant = msgspec.structs.replace(begun.grant, expires_at=ends_at)
        return grant, (Put(grant),)


def _meant_for(
    context: ServerContext, request: TokenRequest, subject: LiveToken
) -> tuple[str, ...] | Refusal:
    """Return what the subject token is meant for, and with that all the new one can be.

    An application that asked its person for no API in particular chooses here, among those of
    this issuer; what it may do there is what the person allowed, as everywhere.
    """
    token = subject.token
    named = tuple(sorted(token.audience - {context.issuer.url}))
    if named or token.client_id != request.client.client_id:
        return named
    found = resources_asked_for(context.issuer, request.resources)
    return found if isinstance(found, Refusal) else tuple(one.uri for one in found)


def _may_present(context: ServerContext, request: TokenRequest, token: ReadToken) -> bool:
    """Tell whether the token is the client's own or came to it at a resource it speaks for.

    One of its own that is bound to a key is exchanged by that key alone.
    """
    if not concerns(context, request.client, token):
        return False
    if token.client_id != request.client.client_id:
        return True
    proved = request.confirmation
    return token.jkt in (None, proved.jkt) and token.x5t_s256 in (None, proved.x5t_s256)


def _scope_asked(request: TokenRequest, token: ReadToken) -> tuple[str, ...] | Refusal:
    try:
        asked = parse_scope(request.scope or "")
    except FieldError as error:
        return Refusal("invalid_scope", f"scope: {error.rule}")
    return MORE_SCOPE if not set(asked) <= set(token.scope) else asked or token.scope
