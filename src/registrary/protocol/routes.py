"""What an address of an issuer is: who answers there, and which metadata announces it."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from registrary.protocol.http import HttpRequest, HttpResponse, Page

Handler = Callable[[HttpRequest], Awaitable[HttpResponse | Page]]

REGISTRATION_BODY_BYTES: Final = 64 * 1024
FORM_BODY_BYTES: Final = 32 * 1024
ADMIN_BODY_BYTES: Final = 256 * 1024
NO_BODY_BYTES: Final = 1024  # a body nobody asked for is read and dropped up to here
_MALFORMED: Final = re.compile("%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Route:
    """One address below the issuer; what ``web`` knows as an endpoint.

    *template* is the path; it may end in ``{name}``: one segment that is not empty.
    *announced_as* is the metadata member that publishes the address (RFC 8414 §2), None when
    it is not published. With *cors* any origin may call. *body_limit* is in bytes. With
    *for_people* it answers with pages.
    """

    template: str
    handlers: Mapping[str, Handler]
    announced_as: str | None = None
    cors: bool = False
    body_limit: int = NO_BODY_BYTES
    for_people: bool = False

    @property
    def methods(self) -> Collection[str]:
        """Return the methods that have a handler."""
        return self.handlers.keys()

    async def __call__(self, request: HttpRequest) -> HttpResponse | Page:
        """Answer *request*, whose method is one of *methods*."""
        return await self.handlers[request.method](request)


def last_segment(request: HttpRequest) -> str:
    """Return what stands for ``{name}`` at the end of the path, still percent-encoded."""
    return request.path.rpartition("/")[2]


def decoded_segment(request: HttpRequest) -> str | None:
    """Return what the end of the path says, None where its percent-encoding says nothing.

    Spelling a character that way or not makes no other address (RFC 3986 §6.2.2.2).
    """
    segment = last_segment(request)
    if "%" not in segment:
        return segment
    if _MALFORMED.search(segment):
        return None
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        return None
