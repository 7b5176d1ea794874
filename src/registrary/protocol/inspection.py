"""``POST /introspect`` (RFC 7662) and ``POST /revoke`` (RFC 7009)."""

from dataclasses import dataclass

import msgspec

from registrary.authserver.inspection import TokenInspector
from registrary.protocol.back_channel import BackChannel, refused, visit_of
from registrary.protocol.errors import error_response
from registrary.protocol.http import JSON, NO_STORE, HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class InspectionEndpoint:
    """Introspection and revocation at one issuer."""

    channel: BackChannel
    inspector: TokenInspector

    async def introspect(self, request: HttpRequest) -> HttpResponse:
        """Say what a token is worth, to those it concerns; the caller must authenticate."""
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
        return HttpResponse(200, (JSON, *NO_STORE), msgspec.json.encode(known))

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
