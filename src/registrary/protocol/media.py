"""Media types of request bodies."""

from registrary.protocol.http import HttpRequest


def media_type(request: HttpRequest) -> str:
    """Return the lower-case media type of the body, without parameters; empty when absent."""
    value = request.header(b"content-type") or ""
    return value.partition(";")[0].strip().lower()


def is_json(request: HttpRequest) -> bool:
    """Tell whether the body says it is ``application/json`` (RFC 7591 §3.1)."""
    return media_type(request) == "application/json"


def is_form(request: HttpRequest) -> bool:
    """Tell whether the body says it is a form (RFC 6749 §3.2)."""
    return media_type(request) == "application/x-www-form-urlencoded"
