"""Pages of a development server, which are shown under the names of its own machine alone.

A page elsewhere can let its name lead to this machine (DNS rebinding); its scripts are then of one
origin with our pages and may read and submit them, with whatever the browser knows of us. The name
is in ``Host``, which no script can set, unlike the forwarding headers.
"""

import re
from dataclasses import replace
from functools import wraps
from typing import Final

from registrary.core.uris import leads_to_this_machine
from registrary.protocol.http import HttpRequest, HttpResponse, Page
from registrary.protocol.routes import Handler, Route

_PORT: Final = re.compile(r":[0-9]*$")
_MISDIRECTED: Final = Page(
    "error",
    status=421,  # RFC 9110 §15.5.20
    values={
        "title": "Open this page under another name",
        "message": (
            "This is a development server. It shows its pages under the names of its own machine "
            "alone: localhost, 127.0.0.1 or [::1]."
        ),
    },
)


def at_loopback(route: Route) -> Route:
    """Return *route* so that a request under a name of another machine gets a page saying so."""
    handlers = {method: _guarded(handler) for method, handler in route.handlers.items()}
    return replace(route, handlers=handlers)


def _guarded(handler: Handler) -> Handler:
    @wraps(handler)
    async def guarded(request: HttpRequest) -> HttpResponse | Page:
        name = _PORT.sub("", request.header(b"host") or "").lower()
        return await handler(request) if leads_to_this_machine(name) else _MISDIRECTED

    return guarded
