"""Parsers of member values: each takes any JSON value and returns a valid one or raises."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final

from registrary.core.errors import FieldError
from registrary.core.scope import parse_scope
from registrary.core.uris import check_https_uri, check_web_uri, redirect_kind, take_apart

TEXT_LIMIT: Final = 255  # characters of a name
TOKEN_LIMIT: Final = 512  # characters of an identifier
ARRAY_LIMIT: Final = 50  # elements
REDIRECT_URI_LIMIT: Final = 50  # elements
# Control characters, and those that turn text around so that it reads as something else.
_UNSEEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)

Parser = Callable[[object], Any]


def text(value: object) -> str:
    """Take text that a person will read."""
    if not isinstance(value, str):
        raise FieldError("must be a string")
    if len(value) > TEXT_LIMIT:
        raise FieldError(f"must not be longer than {TEXT_LIMIT} characters")
    if not value.isascii() or not value.isprintable():
        _check_readable(value)
    return value


def identifier(value: object) -> str:
    """Take an opaque string without control characters."""
    if not isinstance(value, str):
        raise FieldError("must be a string")
    if len(value) > TOKEN_LIMIT:
        raise FieldError(f"must not be longer than {TOKEN_LIMIT} characters")
    if _UNSEEN.search(value):
        raise FieldError("must not hold control characters")
    return value


def boolean(value: object) -> bool:
    """Take true or false, and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise FieldError("must be true or false")
    return value


def seconds(value: object) -> int:
    """Take a whole number of seconds, zero included."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FieldError("must be a whole number of seconds, not negative")
    return value


def web_uri(value: object) -> str:
    """Take an http or https URL that people are sent to."""
    uri = _string(value)
    check_web_uri(uri)
    return uri


def https_uri(value: object) -> str:
    """Take an https URL."""
    uri = _string(value)
    check_https_uri(uri)
    return uri


def fetched_uri(value: object) -> str:
    """Take the URL of a document this server fetches: https, or http on this machine.

    Whether plain http is ever fetched is for the guarded fetcher: only in development.
    """
    uri = _string(value)
    check_https_uri(uri, loopback_http=True)
    return uri


def logout_uri(value: object) -> str:
    """Take an absolute URI without a fragment, https or http (the rules between decide)."""
    uri = web_uri(value)
    if "#" in uri:
        raise FieldError("must not have a fragment")
    return uri


def scope(value: object) -> str:
    """Take one string of scope tokens (RFC 6749 §3.3), each kept once."""
    if not isinstance(value, str):
        raise FieldError("must be one string of scopes separated by spaces")
    return " ".join(parse_scope(value))


def array(element: Parser, *, limit: int = ARRAY_LIMIT) -> Parser:
    """Return a parser of arrays whose elements *element* parses; repeats are collapsed."""

    def parse(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise FieldError("must be an array")
        if len(value) > limit:
            raise FieldError(f"must not hold more than {limit} elements")
        parsed = [element(item) for item in value]
        if len(parsed) < 2:  # noqa: PLR2004 - nothing to collapse
            return parsed
        return list(dict.fromkeys(parsed))

    return parse


def one_of(*accepted: str) -> Parser:
    """Return a parser of exactly the *accepted* strings."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in accepted:
            raise FieldError(f"must be one of {', '.join(accepted)}")
        return value

    return parse


def redirect_uri(value: object) -> str:
    """Take one redirect URI of any kind that may stand alone."""
    uri = _string(value)
    redirect_kind(uri)
    return uri


def request_uri(value: object) -> str:
    """Take a URL of a request object; a fragment holds its hash (OpenID Connect Core §6.2)."""
    uri = _string(value)
    check_https_uri(uri, loopback_http=True)
    return uri


def post_logout_redirect_uri(value: object) -> str:
    """Take where a browser goes after logout: any redirect URI, or http for some clients."""
    uri = _string(value)
    parts = take_apart(uri)
    if parts.fragment is not None:
        raise FieldError("must not have a fragment")
    if parts.scheme == "http":
        check_web_uri(uri)
    else:
        redirect_kind(uri)
    return uri


def response_type(value: object) -> str:
    """Take a response type; the order of its words means nothing (RFC 6749 §3.1.1)."""
    words = sorted(set(_string(value).split(" ")))
    order = {"code": 0, "id_token": 1, "token": 2}
    return " ".join(sorted(words, key=lambda word: (order.get(word, 9), word)))


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise FieldError("must be a string")
    return value


def _check_readable(value: str) -> None:
    if _UNSEEN.search(value):
        raise FieldError("must not hold control characters or marks that turn text around")
    if any(unicodedata.category(char) in {"Cs", "Co", "Cn"} for char in value):
        raise FieldError("must hold assigned characters only")
