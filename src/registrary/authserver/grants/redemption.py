"""Redeeming authorization codes (RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 9449 §10)."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.beginning import NewGrant, begin_grant
from registrary.authserver.grants.ending import REPLAYED_CODE, end_grant
from registrary.authserver.grants.issuing import Issued, TokenDesk, scope_of
from registrary.authserver.grants.liveness import Holder, holder_of
from registrary.authserver.grants.request import (
    NOT_GOOD,
    NOT_REGISTERED,
    TokenAnswer,
    TokenRequest,
)
from registrary.authserver.opaque_tokens import find
from registrary.authserver.presented import Refusal
from registrary.core.base64url import encode
from registrary.core.changes import Changes, Put
from registrary.core.events import Actor, ActorKind
from registrary.core.grants import AuthorizationCode, Grant
from registrary.core.metadata.grants import AUTHORIZATION_CODE
from registrary.core.secrets import Prefix
from registrary.core.uris import matches
from registrary.ports.store import Conflict

# RFC 7636 §4.1
_VERIFIER: Final = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
BAD_VERIFIER: Final = Refusal(
    "invalid_request", "code_verifier: must be 43 to 128 letters, digits, and any of -._~"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedCode:
    """A code as it comes to the token endpoint, with what must come along."""

    code: str
    redirect_uri: str | None = None
    code_verifier: str | None = None

    def __repr__(self) -> str:
        """Keep the code out of logs and tracebacks."""
        return "PresentedCode(…)"


@dataclass(frozen=True, slots=True)
class CodeGrant:
    """Redeems codes, each once. A second use ends what came of the first."""

    desk: TokenDesk

    async def redeem(
        self, context: ServerContext, request: TokenRequest, presented: PresentedCode
    ) -> TokenAnswer | Refusal:
        """Return the tokens that the code stands for. Raises `NoSigningKey`."""
        if not request.may_use(AUTHORIZATION_CODE):
            return NOT_REGISTERED
        verifier = presented.code_verifier
        if verifier is not None and _VERIFIER.fullmatch(verifier) is None:
            return BAD_VERIFIER
        services = self.desk.services
        code = await find(
            services,
            AuthorizationCode,
            context.id,
            text=presented.code,
            prefix=Prefix.AUTHORIZATION_CODE,
        )
        if code is None:
            return NOT_GOOD
        if code.redeemed_at is not None:
            return await self._replayed(context, request, code)
        if code.expires_at <= services.clock.now() or not _fits(code, request, presented):
            return NOT_GOOD
        holder = await holder_of(services.store, context, code.authorization, client=request.client)
        if holder is None:
            return NOT_GOOD
        return await self._settle(context, request, code, holder=holder, text=presented.code)

    async def _settle(
        self,
        context: ServerContext,
        request: TokenRequest,
        code: AuthorizationCode,
        *,
        holder: Holder,
        text: str,
    ) -> TokenAnswer | Refusal:
        """Make the grant and its tokens, and spend the code with them."""
        services = self.desk.services
        begun = begin_grant(
            services,
            context,
            code.authorization,
            grant_type=AUTHORIZATION_CODE,
            request=request,
        )
        issued = await self.desk.issue(
            context,
            request,
            begun.grant,
            person=holder.person,
            scope=scope_of(context.issuer, request.client, code.authorization.scope),
            refresh_token=begun.refresh_token,
            code=text,
        )
        if isinstance(issued, Refusal):
            return issued
        try:
            await services.store.commit(self._changes(code, begun, issued))
        except Conflict:
            # Two came at once. Nobody can tell the thief, so neither keeps anything.
            spent = await services.store.get(AuthorizationCode, context.id, code.id)
            return NOT_GOOD if spent is None else await self._replayed(context, request, spent)
        services.issues.note(context.id, request.client.client_id, AUTHORIZATION_CODE)
        return issued.answer

    def _changes(self, code: AuthorizationCode, begun: NewGrant, issued: Issued) -> Changes:
        """Return the one commit of a redemption.

        The code is kept for as long as anything that came of it can be good.
        """
        spent = msgspec.structs.replace(
            code,
            redeemed_at=begun.grant.created_at,
            grant=begun.grant.id,
            expires_at=max(begun.ends_at, code.expires_at),
            revision=code.revision + 1,
        )
        return Changes(puts=(Put(spent, expected=code.revision), *begun.puts(), *issued.puts))

    async def _replayed(
        self, context: ServerContext, request: TokenRequest, code: AuthorizationCode
    ) -> Refusal:
        """End what the first use brought (RFC 6749 §4.1.2): one of the two is a thief."""
        services = self.desk.services
        grant = await services.store.get(Grant, context.id, code.grant or "")
        if grant is not None:
            # Whoever came second is named, which may be another client than the first.
            client_id, visit = request.client.client_id, request.visit
            actor = Actor(ActorKind.CLIENT, client_id, visit.peer or None)
            await end_grant(
                services, context, grant, because=REPLAYED_CODE, visit=visit, actor=actor
            )
        return NOT_GOOD


def _fits(code: AuthorizationCode, request: TokenRequest, presented: PresentedCode) -> bool:
    """Tell whether who presents *code* is who asked for it, as far as can be proved."""
    return (
        code.authorization.client_id == request.client.client_id
        and _is_redirect_uri(code, request, presented.redirect_uri)
        and _is_proved(code.code_challenge, presented.code_verifier)
        and code.dpop_jkt in (None, request.confirmation.jkt)
    )


def _is_redirect_uri(code: AuthorizationCode, request: TokenRequest, sent: str | None) -> bool:
    """Tell whether *sent* is where the code went (RFC 6749 §4.1.3).

    Where the request named none, there is one registered, and naming it now changes nothing.
    """
    if code.redirect_uri is not None:
        return sent == code.redirect_uri
    registered = request.client.metadata.get("redirect_uris", ())
    return sent is None or any(matches(uri, sent) for uri in registered)


def _is_proved(challenge: str | None, verifier: str | None) -> bool:
    """Tell whether *verifier* is the one *challenge* was made of (RFC 7636 §4.6).

    A verifier for a code without a challenge means that somebody took the challenge out of the
    request (RFC 9700 §4.8.2).
    """
    if challenge is None or verifier is None:
        return challenge is verifier
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return hmac.compare_digest(encode(digest).encode(), challenge.encode())
