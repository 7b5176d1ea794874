"""``/register/{client_id}`` (RFC 7592): a client reads, replaces and deletes its registration."""

from dataclasses import dataclass
from typing import NamedTuple

from registrary.policy.decision import Accepted, Refused
from registrary.policy.updating import Rotation
from registrary.protocol.bearer import BearerToken, bearer_token
from registrary.protocol.client_information import client_information
from registrary.protocol.errors import error_response
from registrary.protocol.http import NO_STORE, HttpRequest, HttpResponse
from registrary.protocol.parameters import Parameters
from registrary.protocol.registration import (
    PREVIEW_PARAMETER,
    read_document,
    read_query,
    render_refusal,
    unusable_token,
)
from registrary.protocol.routes import decoded_segment
from registrary.registrar.context import IssuerContext
from registrary.registrar.management import Manager, Visit

ROTATION_PARAMETER = "rotate"


@dataclass(frozen=True, slots=True)
class ConfigurationEndpoint:
    """The client configuration endpoint of one issuer."""

    context: IssuerContext
    manager: Manager

    async def read(self, request: HttpRequest) -> HttpResponse:
        """Answer with the registration as it is (RFC 7592 §2.1); nothing rotates."""
        call = _call(request)
        if isinstance(call, HttpResponse):
            return call
        client = await self.manager.read(self.context, call.visit)
        if isinstance(client, Refused):
            return render_refusal(client)
        return client_information(self.context, client, status=200, token=call.visit.token)

    async def update(self, request: HttpRequest) -> HttpResponse:
        """Replace the registration as a whole (RFC 7592 §2.2)."""
        call = _call_to_change(request)
        if isinstance(call, HttpResponse):
            return call
        rotation = _rotation(call.query)
        if isinstance(rotation, HttpResponse):
            return rotation
        client = await self.manager.enter(self.context, call.visit)
        if isinstance(client, Refused):
            return render_refusal(client)
        document = read_document(request)
        if isinstance(document, HttpResponse):
            return document
        decision = await self.manager.update(
            self.context, call.visit, client, document=document, rotation=rotation
        )
        if isinstance(decision, Refused):
            return render_refusal(decision)
        return self._render(decision, call.visit)

    async def delete(self, request: HttpRequest) -> HttpResponse:
        """Delete the registration and all that came of it (RFC 7592 §2.3)."""
        call = _call_to_change(request)
        if isinstance(call, HttpResponse):
            return call
        refused = await self.manager.delete(self.context, call.visit)
        return HttpResponse(204, NO_STORE) if refused is None else render_refusal(refused)

    def _render(self, decision: Accepted, visit: Visit) -> HttpResponse:
        token = decision.registration_access_token
        return client_information(
            self.context,
            decision.client,
            status=200,
            token=token.reveal() if token else visit.token,
            client_secret=decision.client_secret,
            pending_scope=decision.pending_scope,
        )


class _Call(NamedTuple):
    """One call of the endpoint: who it is from, and what its address asks for."""

    visit: Visit
    query: Parameters


def _call(request: HttpRequest) -> _Call | HttpResponse:
    token = bearer_token(request)
    if not isinstance(token, BearerToken):
        return unusable_token(token, "a registration access token is required")
    query = read_query(request)
    if isinstance(query, HttpResponse):
        return query
    client_id = decoded_segment(request) or ""
    return _Call(Visit(client_id, token.text, request.peer, request.request_id), query)


def _call_to_change(request: HttpRequest) -> _Call | HttpResponse:
    """Return the call, unless it only asks what would come of it.

    That cannot be had here, and whoever asks must not find it done.
    """
    call = _call(request)
    if isinstance(call, _Call) and call.query.was_sent(PREVIEW_PARAMETER):
        return error_response("invalid_request", "dry_run: is for registrations alone")
    return call


def _rotation(query: Parameters) -> Rotation | HttpResponse | None:
    if not query.was_sent(ROTATION_PARAMETER):
        return None
    try:
        return Rotation(query.get(ROTATION_PARAMETER) or "")
    except ValueError:
        known = ", ".join(rotation.value for rotation in Rotation)
        return error_response("invalid_request", f"rotate: must be one of {known}")
