"""``/register/{client_id}`` (RFC 7592): a client reads, replaces and deletes its registration."""

from dataclasses import dataclass

from registrary.policy.decision import Accepted, Refused
from registrary.policy.updating import Rotation
from registrary.protocol.bearer import BearerToken, bearer_token
from registrary.protocol.client_information import client_information
from registrary.protocol.errors import error_response
from registrary.protocol.http import NO_STORE, HttpRequest, HttpResponse
from registrary.protocol.registration import (
    read_document,
    read_query,
    render_refusal,
    unusable_token,
)
from registrary.protocol.routes import last_segment
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
        visit = _visit(request)
        if isinstance(visit, HttpResponse):
            return visit
        client = await self.manager.read(self.context, visit)
        if isinstance(client, Refused):
            return render_refusal(client)
        return client_information(self.context, client, status=200, token=visit.token)

    async def update(self, request: HttpRequest) -> HttpResponse:
        """Replace the registration as a whole (RFC 7592 §2.2)."""
        visit = _visit(request)
        if isinstance(visit, HttpResponse):
            return visit
        rotation = _rotation(request)
        if isinstance(rotation, HttpResponse):
            return rotation
        client = await self.manager.enter(self.context, visit)
        if isinstance(client, Refused):
            return render_refusal(client)
        document = read_document(request)
        if isinstance(document, HttpResponse):
            return document
        decision = await self.manager.update(
            self.context, visit, client, document=document, rotation=rotation
        )
        if isinstance(decision, Refused):
            return render_refusal(decision)
        return self._render(decision, visit)

    async def delete(self, request: HttpRequest) -> HttpResponse:
        """Delete the registration and all that came of it (RFC 7592 §2.3)."""
        visit = _visit(request)
        if isinstance(visit, HttpResponse):
            return visit
        refused = await self.manager.delete(self.context, visit)
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


def _visit(request: HttpRequest) -> Visit | HttpResponse:
    token = bearer_token(request)
    if not isinstance(token, BearerToken):
        return unusable_token(token)
    query = read_query(request)
    if isinstance(query, HttpResponse):
        return query
    return Visit(last_segment(request), token.text, request.peer, request.request_id)


def _rotation(request: HttpRequest) -> Rotation | HttpResponse | None:
    query = read_query(request)
    if isinstance(query, HttpResponse):
        return query
    try:
        wanted = query.get(ROTATION_PARAMETER)
        return Rotation(wanted) if wanted else None
    except ValueError:
        known = ", ".join(rotation.value for rotation in Rotation)
        return error_response("invalid_request", f"rotate: must be one of {known}")
