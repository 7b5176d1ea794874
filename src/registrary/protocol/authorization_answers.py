"""How an authorization request ends: on the way back to its client, or on a page of ours."""

from dataclasses import dataclass
from typing import Final

from registrary.authserver.authorization.failing import Failure, leads_back
from registrary.authserver.authorization.signed_responses import signed_fields
from registrary.authserver.authorization.way_back import (
    Fields,
    ResponseMode,
    WayBack,
    with_fragment,
    with_query,
)
from registrary.authserver.context import ServerContext
from registrary.authserver.services import ServerServices
from registrary.core.client import Client
from registrary.protocol.http import NO_STORE, HttpResponse, Page

Headers = tuple[tuple[bytes, bytes], ...]

TITLE: Final = "This request cannot be completed"
_BROKEN: Final = (
    "The application that sent you here made a request this server cannot accept: {}. "
    "You are still here, because nothing proves where it came from."
)
_NOT_SENT_ON: Final = (
    "The application that sent you here made a request this server cannot accept: {}. "
    "Nobody here has checked the application, so you are not sent on to it by itself."
)
_TITLES: Final = {"invalid_client": "This application is not known here"}


@dataclass(frozen=True, slots=True)
class Answers:
    """Makes the last answer of a conversation with one issuer."""

    services: ServerServices
    context: ServerContext

    async def failed(self, failure: Failure, *, headers: Headers = ()) -> HttpResponse | Page:
        """Answer a request that came to nothing; its client hears of it where that is safe."""
        if failure.way_back is None or failure.client is None:
            return _error_page(failure, headers)
        fields = failure.fields(self.context.issuer)
        if leads_back(self.context.issuer, failure):
            return await self.sent(failure.client, failure.way_back, fields, headers=headers)
        return _go_back_page(failure, with_query(failure.way_back.uri, fields), headers)

    async def sent(
        self, client: Client, way_back: WayBack, fields: Fields, *, headers: Headers = ()
    ) -> HttpResponse | Page:
        """Send *fields* to *client*, in the mode it asked for."""
        if way_back.mode.is_signed:
            fields = await signed_fields(self.services, self.context, client, fields=fields)
        match way_back.mode.transport:
            case ResponseMode.FORM_POST:
                values = {"action": str(way_back.uri), "fields": list(fields)}
                return Page("form_post", 200, values, headers)
            case ResponseMode.FRAGMENT:
                return see_other(with_fragment(way_back.uri, fields), headers=headers)
            case _:
                return see_other(with_query(way_back.uri, fields), headers=headers)


def see_other(address: str, *, headers: Headers = ()) -> HttpResponse:
    """Return the redirect that turns a POST into a GET: no form of ours is sent on.

    RFC 9700 §4.12. *address* is ASCII without blanks or controls: it is a URI that was judged,
    with encoded parameters behind it.
    """
    location = (b"location", address.encode("ascii"))
    privacy = (b"referrer-policy", b"no-referrer")  # RFC 9700 §4.2.4
    return HttpResponse(303, (location, privacy, *NO_STORE, *headers))


def _error_page(failure: Failure, headers: Headers) -> Page:
    values = {
        "title": _TITLES.get(failure.code, TITLE),
        "message": _BROKEN.format(failure.description),
        "code": failure.code,
    }
    return Page("error", 400, values, headers)


def _go_back_page(failure: Failure, link: str, headers: Headers) -> Page:
    name = "" if failure.client is None else name_of(failure.client)
    values = {
        "title": TITLE,
        "message": _NOT_SENT_ON.format(failure.description),
        "code": failure.code,
        "client_name": name,
        "link": link,
    }
    return Page("go_back", 400, values, headers)


def name_of(client: Client) -> str:
    """Return what people call *client*: what it calls itself, else its id."""
    name = client.metadata.get("client_name")
    return str(name) if name else client.client_id
