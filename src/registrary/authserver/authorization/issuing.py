"""What an allowed request brings: a code, and on ``oidf-dynamic`` issuers tokens beside or instead.

OpenID Connect Core §3.1 to §3.3. Nothing here asks whether it is allowed.
"""

from dataclasses import dataclass
from typing import Final

import msgspec

from registrary.authserver.authorization.request import AuthorizationRequest
from registrary.authserver.authorization.way_back import Fields
from registrary.authserver.context import ServerContext
from registrary.authserver.grants.beginning import begin_grant
from registrary.authserver.grants.codes import issue_code
from registrary.authserver.grants.request import TokenRequest
from registrary.authserver.id_tokens import IdTokens
from registrary.authserver.people.sessions import SignedIn
from registrary.authserver.presented import Refusal, Visit
from registrary.authserver.services import ServerServices
from registrary.authserver.tokens import AccessTokens, IssuedToken
from registrary.core.changes import Changes
from registrary.core.grants import Authorization, Confirmation
from registrary.core.metadata.grants import IMPLICIT
from registrary.core.secrets import Secret

_NO_PUTS: Final = Changes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What the client gets, as far as it asked for it."""

    code: Secret | None = None
    token: IssuedToken | None = None
    id_token: str | None = None

    def fields(self) -> Fields:
        """Return the parameters of the answer (RFC 6749 §4.1.2, §4.2.2; Core §3.2.2.5)."""
        fields: list[tuple[str, str]] = []
        if self.code is not None:
            fields.append(("code", self.code.reveal()))
        if self.token is not None:
            fields += [
                ("access_token", self.token.access_token),
                ("token_type", self.token.token_type),
                ("expires_in", str(self.token.expires_in)),
                ("scope", self.token.scope),
            ]
        if self.id_token is not None:
            fields.append(("id_token", self.id_token))
        return fields


@dataclass(frozen=True, slots=True)
class Issuing:
    """Makes what one issuer's clients are led back with."""

    services: ServerServices
    context: ServerContext

    async def issue(
        self,
        request: AuthorizationRequest,
        signed_in: SignedIn,
        authorization: Authorization,
        *,
        also: Changes,
        visit: Visit,
    ) -> Allowed | Refusal:
        """Issue what *request* names, in one commit with *also*.

        Raises `Conflict` and `NoSigningKey`; nothing is stored then.
        """
        made = await self._token(request, authorization, visit)
        if isinstance(made, Refusal):
            return made
        token, more = made
        also = msgspec.structs.replace(also, puts=(*also.puts, *more.puts))
        code = await self._code(request, authorization, also)
        id_token = None
        if "id_token" in request.response_type and request.is_openid:
            id_token = await IdTokens(self.services).issue(
                self.context,
                request.client,
                authorization,
                person=signed_in.person,
                access_token=None if token is None else token.access_token,
                code=None if code is None else code.reveal(),
                state=request.way_back.state,
            )
        return Allowed(code=code, token=token, id_token=id_token)

    async def _code(
        self, request: AuthorizationRequest, authorization: Authorization, also: Changes
    ) -> Secret | None:
        if "code" not in request.response_type:
            await self.services.store.commit(also)
            return None
        return await issue_code(
            self.services,
            self.context,
            authorization,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            dpop_jkt=request.dpop_jkt,
            also=also,
        )

    async def _token(
        self, request: AuthorizationRequest, authorization: Authorization, visit: Visit
    ) -> tuple[IssuedToken | None, Changes] | Refusal:
        """Return the access token asked for, and what must be committed with it."""
        if "token" not in request.response_type:
            return None, _NO_PUTS
        begun = begin_grant(
            self.services,
            self.context,
            authorization,
            grant_type=IMPLICIT,
            request=TokenRequest(client=request.client, visit=visit),
        )
        token = await AccessTokens(self.services).issue(
            self.context,
            request.client,
            authorization,
            grant=begun.grant,
            scope=authorization.scope,
            resources=(),
            confirmation=Confirmation(),
        )
        if isinstance(token, Refusal):
            return token
        self.services.issues.note(self.context.id, request.client.client_id, IMPLICIT)
        return token, Changes(puts=(*begun.puts(), *token.puts))
