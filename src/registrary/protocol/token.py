"""``POST /token`` (RFC 6749 §3.2)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Final

import msgspec

from registrary.authserver.client_encryption import NoClientKey
from registrary.authserver.context import ServerContext
from registrary.authserver.grants.client_credentials import ClientCredentialsGrant
from registrary.authserver.grants.device import DENIED, POLLING, DeviceGrant
from registrary.authserver.grants.jwt_bearer import JwtBearerGrant
from registrary.authserver.grants.redemption import CodeGrant, PresentedCode
from registrary.authserver.grants.renewal import RefreshGrant
from registrary.authserver.grants.request import TokenAnswer, TokenRequest
from registrary.authserver.presented import Refusal, Visit
from registrary.authserver.proofs import NONCE_NEEDED
from registrary.authserver.token_exchange import Exchange, ExchangeGrant
from registrary.core.client import Client
from registrary.core.metadata.grants import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    JWT_BEARER,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
)
from registrary.ports.keys import NoSigningKey
from registrary.protocol.back_channel import BackChannel, refused, visit_of
from registrary.protocol.dpop import ProofReader
from registrary.protocol.errors import error_response
from registrary.protocol.http import JSON, NO_STORE, HttpRequest, HttpResponse
from registrary.protocol.parameters import Parameters

_RETRY: Final = timedelta(seconds=5)
UNNOTED: Final = POLLING | {NONCE_NEEDED}
"""Refusals that are part of the way: nothing went wrong, and the client asks again."""

NO_KEY: Final = Refusal("invalid_request", "the client has no key that its ID token fits")
NOT_OFFERED: Final = Refusal("unsupported_grant_type", "grant_type: is not offered")

_Handler = Callable[[TokenRequest, Parameters], Awaitable[TokenAnswer | Refusal]]


@dataclass(frozen=True, slots=True)
class Grants:
    """The use case of every grant."""

    client_credentials: ClientCredentialsGrant
    code: CodeGrant
    refresh: RefreshGrant
    device: DeviceGrant
    exchange: ExchangeGrant
    jwt_bearer: JwtBearerGrant


@dataclass(frozen=True)
class TokenEndpoint:
    """The token endpoint of one issuer."""

    channel: BackChannel
    grants: Grants
    proofs: ProofReader

    async def grant(self, request: HttpRequest) -> HttpResponse:
        """Answer a token request by its grant."""
        return self.proofs.with_nonce(request, await self._answer(request))

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        form = self.channel.read_form(request)
        if isinstance(form, HttpResponse):
            return form
        grant_type = form.get("grant_type")
        if grant_type is None:
            return error_response("invalid_request", "grant_type: is needed")
        client = await self.channel.authenticate(request, form, public=True)
        if isinstance(client, HttpResponse):
            return client
        confirmation = await self.proofs.confirmation(request, client)
        if isinstance(confirmation, Refusal):
            return await self._refuse(client, confirmation, visit_of(request))
        asked = TokenRequest(
            client=client,
            scope=form.get("scope"),
            resources=form.all("resource"),
            confirmation=confirmation,
            visit=visit_of(request),
        )
        answer = await self._by_grant(grant_type, asked, form)
        if isinstance(answer, Refusal):
            return await self._refuse(client, answer, asked.visit)
        return answer if isinstance(answer, HttpResponse) else _render(answer)

    async def _refuse(self, client: Client, refusal: Refusal, visit: Visit) -> HttpResponse:
        if refusal not in UNNOTED:
            notes = self.channel.authenticator
            await notes.note_refused(self._context, client, refusal, visit=visit)
        answer = refused(refusal)
        # Elsewhere `access_denied` is a 403; here every refusal of a grant is a 400 (§5.2).
        return HttpResponse(400, answer.headers, answer.body) if refusal is DENIED else answer

    async def _by_grant(
        self, grant_type: str, asked: TokenRequest, form: Parameters
    ) -> TokenAnswer | Refusal | HttpResponse:
        handler = self._handlers.get(grant_type)
        if handler is None or grant_type not in self._context.offer.grant_types:
            return NOT_OFFERED
        try:
            return await handler(asked, form)
        except NoSigningKey:
            return error_response("temporarily_unavailable", retry_after=_RETRY)
        except NoClientKey:
            return NO_KEY

    @cached_property
    def _handlers(self) -> Mapping[str, _Handler]:
        return {
            AUTHORIZATION_CODE: self._code,
            CLIENT_CREDENTIALS: self._client_credentials,
            REFRESH_TOKEN: self._refresh,
            DEVICE_CODE: self._device,
            TOKEN_EXCHANGE: self._exchange,
            JWT_BEARER: self._jwt_bearer,
        }

    @property
    def _context(self) -> ServerContext:
        return self.channel.context

    async def _client_credentials(
        self, asked: TokenRequest, _form: Parameters
    ) -> TokenAnswer | Refusal:
        return await self.grants.client_credentials.redeem(self._context, asked)

    async def _code(self, asked: TokenRequest, form: Parameters) -> TokenAnswer | Refusal:
        code = form.get("code")
        if code is None:
            return Refusal("invalid_request", "code: is needed")
        presented = PresentedCode(
            code=code,
            redirect_uri=form.get("redirect_uri"),
            code_verifier=form.get("code_verifier"),
        )
        return await self.grants.code.redeem(self._context, asked, presented)

    async def _refresh(self, asked: TokenRequest, form: Parameters) -> TokenAnswer | Refusal:
        token = form.get("refresh_token")
        if token is None:
            return Refusal("invalid_request", "refresh_token: is needed")
        return await self.grants.refresh.redeem(self._context, asked, token)

    async def _device(self, asked: TokenRequest, form: Parameters) -> TokenAnswer | Refusal:
        code = form.get("device_code")
        if code is None:
            return Refusal("invalid_request", "device_code: is needed")
        return await self.grants.device.redeem(self._context, asked, code)

    async def _exchange(self, asked: TokenRequest, form: Parameters) -> TokenAnswer | Refusal:
        subject = form.get("subject_token")
        if subject is None:
            return Refusal("invalid_request", "subject_token: is needed")
        exchange = Exchange(
            subject_token=subject,
            subject_token_type=form.get("subject_token_type"),
            actor_token=form.get("actor_token"),
            actor_token_type=form.get("actor_token_type"),
            requested_token_type=form.get("requested_token_type"),
        )
        # RFC 8693 §2.1: an audience is a target by another name; here every target has one.
        targets = (*asked.resources, *form.all("audience"))
        return await self.grants.exchange.redeem(
            self._context, msgspec.structs.replace(asked, resources=targets), exchange
        )

    async def _jwt_bearer(self, asked: TokenRequest, form: Parameters) -> TokenAnswer | Refusal:
        assertion = form.get("assertion")
        if assertion is None:
            return Refusal("invalid_request", "assertion: is needed")
        return await self.grants.jwt_bearer.redeem(self._context, asked, assertion)


def _render(answer: TokenAnswer) -> HttpResponse:
    """Render a token response (RFC 6749 §5.1)."""
    return HttpResponse(200, (JSON, *NO_STORE), msgspec.json.encode(answer))
