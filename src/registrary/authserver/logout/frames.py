"""Addresses of clients that end a session when a browser loads them (Front-Channel Logout)."""

from urllib.parse import urlencode

from registrary.authserver.context import ServerContext
from registrary.authserver.services import ServerServices
from registrary.core.client import Client
from registrary.core.people import Session


async def frames_of(
    services: ServerServices, context: ServerContext, session: Session
) -> list[str]:
    """Return where the browser goes for each client of *session* that wants it.

    With ``iss`` and ``sid`` always, both (§3): a client that demands them gets what it needs,
    and any other may look at them.
    """
    told = urlencode({"iss": context.issuer.url, "sid": session.session_id})
    frames = []
    for client_id in session.clients:
        client = await services.store.get(Client, context.id, client_id)
        uri = client and client.metadata.get("frontchannel_logout_uri")
        if client is not None and uri and client.effects.may_read:
            frames.append(f"{uri}{'&' if '?' in uri else '?'}{told}")
    return frames
