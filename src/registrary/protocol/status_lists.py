"""``GET /status-lists/{id}``: signed status lists (Token Status List §8)."""

from dataclasses import dataclass
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.status_lists import LIST_TYPE, StatusLists
from registrary.ports.keys import NoSigningKey
from registrary.protocol.errors import error_response
from registrary.protocol.http import JSON, HttpRequest, HttpResponse
from registrary.protocol.parameters import ParameterError, parse_parameters
from registrary.protocol.routes import Route, last_segment

PATH: Final = "/status-lists"
MEDIA_TYPE: Final = f"application/{LIST_TYPE}"
# A second: whoever asks again sooner is spared the work, and nobody learns anything later.
_CACHED: Final = (
    (b"cache-control", b"public, max-age=1"),
    (b"vary", b"accept, host, forwarded, x-forwarded-host, x-forwarded-proto"),
)


@dataclass(frozen=True, slots=True)
class StatusListEndpoint:
    """The status lists of one issuer."""

    context: ServerContext
    lists: StatusLists

    def routes(self) -> tuple[Route, ...]:
        """Return the addresses of all lists, and of what names them (§9)."""
        return (
            Route(PATH, {"GET": self.name_all}, "status_list_aggregation_endpoint", cors=True),
            Route(f"{PATH}/{{id}}", {"GET": self.show}, cors=True),
        )

    async def name_all(self, request: HttpRequest) -> HttpResponse:
        """Answer with the addresses of all lists."""
        del request
        body = msgspec.json.encode({"status_lists": await self.lists.uris(self.context)})
        return HttpResponse(200, (JSON, *_CACHED), body)

    async def show(self, request: HttpRequest) -> HttpResponse:
        """Answer with one list; with 304 to who has it."""
        try:
            if parse_parameters(request.query).get("time") is not None:
                return error_response("not_implemented")  # §8.4: lists of the past are not kept
        except ParameterError as error:
            return error_response("invalid_request", str(error))
        if not _accepts(request.header(b"accept")):
            return error_response("not_acceptable")
        try:
            published = await self.lists.published(self.context, last_segment(request))
        except NoSigningKey:
            return error_response("temporarily_unavailable")
        if published is None:
            return error_response("not_found")
        headers = ((b"etag", published.etag.encode()), *_CACHED)
        if published.etag in (request.header(b"if-none-match") or ""):
            return HttpResponse(304, headers)
        content_type = (b"content-type", MEDIA_TYPE.encode())
        return HttpResponse(200, (content_type, *headers), published.token.encode())


def _accepts(accept: str | None) -> bool:
    """Tell whether a JWT is wanted: the other form is CBOR."""
    if accept is None:
        return True
    wanted = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return bool(wanted & {MEDIA_TYPE, "application/*", "*/*"})
