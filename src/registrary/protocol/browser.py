"""The two cookies of ours: one that knows the browser, one that says who is signed in.

Over https their names begin with ``__Host-``: no other host, no path and no plain http can set
them. A development server on loopback cannot have that; there the issuer's id in the name, which
comes of its address and port, keeps servers of one machine apart.
"""

from typing import Final

from registrary.authserver.context import ServerContext
from registrary.core.base64url import encode
from registrary.core.entropy import Draw
from registrary.core.secrets import Secret
from registrary.protocol.http import HttpRequest

BROWSER_DRAW_BYTES: Final = 32
_CHARACTERS: Final = 43  # of a browser's value
_HOST_PREFIX: Final = "__Host-"


def is_secure(context: ServerContext) -> bool:
    """Tell whether browsers reach the issuer over https."""
    return context.issuer.url.startswith("https:")


def browser_cookie_name(context: ServerContext) -> str:
    """Return the name of the cookie that knows the browser."""
    return _named(context, f"rgy_browser_{context.id}")


def session_cookie_name(context: ServerContext) -> str:
    """Return the name of the cookie that says who is signed in."""
    return _named(context, f"rgy_session_{context.id}")


def cookie(request: HttpRequest, name: str) -> str | None:
    """Return the value of the cookie *name*, None when it is missing or was sent twice.

    Of two with one name nobody can tell which is ours (RFC 6265 §5.4).
    """
    found = [
        value.strip()
        for header in request.header_values(b"cookie")
        for key, _, value in (pair.partition("=") for pair in header.split(";"))
        if key.strip() == name
    ]
    return found[0] if len(found) == 1 else None


def browser_of(request: HttpRequest, context: ServerContext) -> str | None:
    """Return the value by which *request*'s browser is known, None when it is not one of ours."""
    value = cookie(request, browser_cookie_name(context))
    return value if value is not None and len(value) == _CHARACTERS else None


def new_browser(draw: Draw) -> str:
    """Return a value to know a browser by; takes `BROWSER_DRAW_BYTES`."""
    return encode(draw.take(BROWSER_DRAW_BYTES))


def browser_cookie(context: ServerContext, value: str) -> tuple[bytes, bytes]:
    """Return the header that makes a browser known by *value*."""
    return _set_cookie(context, browser_cookie_name(context), value)


def session_cookie(context: ServerContext, secret: Secret | None) -> tuple[bytes, bytes]:
    """Return the header that gives a browser the session *secret*, or with None takes it away."""
    name = session_cookie_name(context)
    if secret is None:
        return _set_cookie(context, name, "", "Max-Age=0")
    return _set_cookie(context, name, secret.reveal())


def _named(context: ServerContext, name: str) -> str:
    return _HOST_PREFIX + name if is_secure(context) else name


def _set_cookie(context: ServerContext, name: str, value: str, *more: str) -> tuple[bytes, bytes]:
    # Lax: the way back from an identity provider is a navigation from another site.
    attributes = ["Path=/", "HttpOnly", "SameSite=Lax", *more]
    if is_secure(context):
        attributes.append("Secure")
    return b"set-cookie", "; ".join([f"{name}={value}", *attributes]).encode("ascii")
