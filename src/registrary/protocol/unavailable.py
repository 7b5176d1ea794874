"""Addresses that are published and do not serve yet: people get a page, clients an error."""

from registrary.protocol.errors import error_response
from registrary.protocol.http import HttpRequest, HttpResponse, Page

NOT_SERVED_PAGE = "not_served_yet"


async def page(request: HttpRequest) -> Page:
    """Tell a person that this server cannot sign people in yet."""
    del request
    return Page(NOT_SERVED_PAGE, status=503)


async def error(request: HttpRequest) -> HttpResponse:
    """Tell a client that this is not served yet."""
    del request
    return error_response("temporarily_unavailable", "this is not served yet")
