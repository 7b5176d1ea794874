"""The client information response (RFC 7591 §3.2.1, RFC 7592 §3)."""

from datetime import datetime
from typing import Any

import msgspec

from registrary.core.client import Client
from registrary.core.secrets import Secret
from registrary.protocol.http import JSON, NO_STORE, HttpResponse
from registrary.registrar.context import IssuerContext

_ENCODER = msgspec.json.Encoder()
_HEADERS = (JSON, *NO_STORE)


def client_information(
    context: IssuerContext,
    client: Client,
    *,
    status: int,
    token: str,
    client_secret: Secret | None = None,
    pending_scope: str | None = None,
) -> HttpResponse:
    """Render all registered metadata of *client*, its address and the *token* for it.

    *client_secret* is set only when newly issued; its expiry stands beside it and is 0 when it
    never expires. No member is null or empty.
    """
    body: dict[str, Any] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.issued_at.timestamp()),
    }
    if client_secret is not None:
        body["client_secret"] = client_secret.reveal()
        body["client_secret_expires_at"] = _seconds(client.secrets[-1].expires_at)
    body.update(client.metadata)
    body["registration_client_uri"] = f"{context.registration_endpoint}/{client.client_id}"
    body["registration_access_token"] = token
    body["registrary_state"] = client.state.value
    if pending_scope is not None:
        body["registrary_pending_scope"] = pending_scope
    return HttpResponse(status, _HEADERS, _ENCODER.encode(body))


def _seconds(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp())
