"""``POST /introspect`` (RFC 7662) and ``POST /revoke`` (RFC 7009)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from registrary.authserver.client_encryption import NoClientKey
from registrary.authserver.inspection import TokenInspector
from registrary.authserver.signed_inspection import SignedAnswers
from registrary.ports.keys import NoSigningKey
from registrary.protocol.back_channel import BackChannel, refused, visit_of
from registrary.protocol.errors import error_response
from registrary.protocol.http import JSON, NO_STORE, HttpRequest, HttpResponse

JWT: Final = "application/token-introspection+jwt"  # RFC 9701 §4
_JWT_TYPE: Final = (b"content-type", JWT.encode())
_RETRY: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class InspectionEndpoint:
    """Introspection and revocation at one issuer."""

    channel: BackChannel
    inspector: TokenInspector
    signed: SignedAnswers

    async def introspect(self, request: HttpRequest) -> HttpResponse:
        """Say what a token is worth, to those it concerns; the caller must authenticate.

        Signed where the caller asks for that by ``Accept`` (RFC 9701 §4).
        """
        form = self.channel.read_form(request)
        if isinstance(form, HttpResponse):
            return form
        caller = await self.channel.authenticate(request, form, public=False)
        if isinstance(caller, HttpResponse):
            return caller
        token = form.get("token")
        if token is None:
            return error_response("invalid_request", "token: is needed")
        known = await self.inspector.introspect(self.channel.context, caller, token)
        if not any(JWT in value for value in request.header_values(b"accept")):
            return HttpResponse(200, (JSON, *NO_STORE), msgspec.json.encode(known))
        try:
            jwt = await self.signed.sign(self.channel.context, caller, known)
        except (NoSigningKey, NoClientKey):
            return error_response("temporarily_unavailable", retry_after=_RETRY)
        return HttpResponse(200, (_JWT_TYPE, *NO_STORE), jwt.encode())

    async def revoke(self, request: HttpRequest) -> HttpResponse:
        """End a token; one that is not known is ended already."""
        form = self.channel.read_form(request)
        if isinstance(form, HttpResponse):
            return form
        caller = await self.channel.authenticate(request, form, public=True)
        if isinstance(caller, HttpResponse):
            return caller
        token = form.get("token")
        if token is None:
            return error_response("invalid_request", "token: is needed")
        refusal = await self.inspector.revoke(
            self.channel.context, caller, token, visit=visit_of(request)
        )
        return HttpResponse(200, NO_STORE) if refusal is None else refused(refusal)
