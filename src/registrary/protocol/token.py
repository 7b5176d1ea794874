"""``POST /token`` (RFC 6749 §3.2)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec

from registrary.authserver.presented import Refusal
from registrary.authserver.tokens import IssuedToken, TokenIssuer
from registrary.core.client import Client
from registrary.core.metadata.grants import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    REFRESH_TOKEN,
)
from registrary.ports.keys import NoSigningKey
from registrary.protocol.back_channel import BackChannel, refused, visit_of
from registrary.protocol.errors import error_response
from registrary.protocol.http import JSON, NO_STORE, HttpRequest, HttpResponse
from registrary.protocol.parameters import Parameters

_LATER: Final = frozenset({AUTHORIZATION_CODE, REFRESH_TOKEN})
_RETRY: Final = timedelta(seconds=5)
NOT_OFFERED: Final = Refusal("unsupported_grant_type", "grant_type: is not offered")


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """The token endpoint of one issuer."""

    channel: BackChannel
    tokens: TokenIssuer

    async def grant(self, request: HttpRequest) -> HttpResponse:
        """Answer a token request by its grant."""
        form = self.channel.read_form(request)
        if isinstance(form, HttpResponse):
            return form
        grant_type = form.get("grant_type")
        if grant_type is None:
            return error_response("invalid_request", "grant_type: is needed")
        client = await self.channel.authenticate(request, form, public=True)
        if isinstance(client, HttpResponse):
            return client
        try:
            token = await self._by_grant(grant_type, client, form)
        except NoSigningKey:
            return error_response("temporarily_unavailable", retry_after=_RETRY)
        if isinstance(token, Refusal):
            visit = visit_of(request)
            await self.channel.authenticator.note_refused(
                self.channel.context, client, token, visit=visit
            )
            return refused(token)
        return token if isinstance(token, HttpResponse) else _render(token)

    async def _by_grant(
        self, grant_type: str, client: Client, form: Parameters
    ) -> IssuedToken | Refusal | HttpResponse:
        context = self.channel.context
        if grant_type == CLIENT_CREDENTIALS:
            return await self.tokens.client_credentials(
                context, client, scope=form.get("scope"), resources=form.all("resource")
            )
        if grant_type in _LATER and grant_type in context.offer.grant_types:
            return error_response("temporarily_unavailable", "this grant is not served yet")
        return NOT_OFFERED


def _render(token: IssuedToken) -> HttpResponse:
    """Render a token response (RFC 6749 §5.1)."""
    body: dict[str, Any] = {
        "access_token": token.access_token,
        "token_type": "Bearer",
        "expires_in": token.expires_in,
    }
    if token.scope:
        body["scope"] = token.scope
    return HttpResponse(200, (JSON, *NO_STORE), msgspec.json.encode(body))
