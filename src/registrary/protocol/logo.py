"""``GET /logos/{client_id}``: what a client shows itself with, from our own address.

A page of ours names no address of a client's to the browser, so nobody learns from it who is being
asked, and what is shown is a picture and nothing else.
"""

from dataclasses import dataclass
from typing import Final

from registrary.core.client import Client
from registrary.core.issuer import Issuer
from registrary.ports.pictures import Pictures
from registrary.ports.store import Store
from registrary.protocol.errors import error_response
from registrary.protocol.http import HttpRequest, HttpResponse
from registrary.protocol.routes import decoded_segment

PATH: Final = "/logos/"
_HEADERS: Final = (
    (b"content-type", b"image/png"),
    (b"cache-control", b"private, max-age=3600"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)


def logo_address(issuer: Issuer, client: Client) -> str | None:
    """Return where pages find the logo of *client*, None when it has none."""
    if not client.metadata.get("logo_uri"):
        return None
    return f"{issuer.url}{PATH}{client.client_id}"


@dataclass(frozen=True, slots=True)
class LogoEndpoint:
    """The logos of the clients of one issuer."""

    issuer: Issuer
    store: Store
    pictures: Pictures

    async def show(self, request: HttpRequest) -> HttpResponse:
        """Answer with the logo of a client that may ask people; with nothing for any other."""
        client_id = decoded_segment(request)
        client = await self.store.get(Client, self.issuer.id, client_id) if client_id else None
        url = client.metadata.get("logo_uri") if client else None
        if client is None or not url or client.effects.refusal is not None:
            return error_response("not_found")
        picture = await self.pictures.picture(url)
        if picture is None:
            return error_response("not_found")
        return HttpResponse(200, _HEADERS, picture)
