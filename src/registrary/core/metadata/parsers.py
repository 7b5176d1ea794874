"""Parsers of member values: each takes any JSON value and returns a valid one or raises.

They raise `FieldError`, whose text is the rule and never the value. What they return is JSON
again, so that a client reads back what it sent. No value is converted into one of another type.
"""

import re
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from typing import Final, TypeVar
from unicodedata import category

from registrary.core.errors import FieldError
from registrary.core.metadata.grants import canonical_response_type
from registrary.core.scope import parse_scope
from registrary.core.uris import (
    RedirectKind,
    check_host_name,
    check_https_uri,
    check_web_uri,
    redirect_kind,
    take_apart,
)
from registrary.core.x509.names import parse_name

TEXT_LIMIT: Final = 255  # characters of what people read, and of opaque identifiers
SUBJECT_LIMIT: Final = 1024  # characters of a certificate's subject name
STATEMENT_LIMIT: Final = 32 * 1024  # characters of a software statement
ARRAY_LIMIT: Final = 50  # elements
REDIRECT_URI_LIMIT: Final = 20  # elements
SECONDS_LIMIT: Final = 2**31 - 1  # 68 years, and within the integers of any reader
_REPORTED_ELEMENTS: Final = 5

# Control characters, separators of lines, marks that turn the direction of text around, and what
# cannot be seen at all: fillers, empty Braille, tags, the variation selectors of the supplement.
# Joiners (U+200C, U+200D) and the first variation selectors stay: scripts and emoji need them.
_UNSEEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb"
    "\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SEEN: Final = frozenset("LNPS")  # letters, numbers, punctuation, symbols (Unicode §4.5)
# RFC 6749 §3.3 has no spaces or quotes in what is listed by spaces.
_TOKEN: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")
_E_MAIL: Final = re.compile(r"""[^@\s"(),:;<>\[\\\]]{1,64}@[^@\s"(),:;<>\[\\\]]{1,253}""")

T = TypeVar("T")
Parser = Callable[[object], T]


def text(value: object, *, limit: int = TEXT_LIMIT) -> str:
    """Take text of at most *limit* characters that a person will read."""
    checked = bounded(value, limit=limit)
    if not (checked.isascii() and checked.isprintable()) and _UNSEEN.search(checked):
        raise FieldError("must not hold control characters or invisible marks")
    return checked


def name(value: object, *, limit: int = TEXT_LIMIT) -> str:
    """Take what people tell something by: text with a character that can be seen."""
    checked = text(value, limit=limit)
    if not any(category(char)[0] in _SEEN for char in checked):
        raise FieldError("must have a character that can be seen")
    return checked


def bounded(value: object, *, limit: int = TEXT_LIMIT) -> str:
    """Take a string of at most *limit* characters."""
    if not isinstance(value, str):
        raise FieldError("must be a string")
    if len(value) > limit:
        raise FieldError(f"must not be longer than {limit} characters")
    return value


def identifier(value: object) -> str:
    """Take an opaque string, compared as it is; no character in it is invisible."""
    return text(value)


def token(value: object) -> str:
    """Take one word of a protocol: visible ASCII without quotes and backslashes."""
    checked = bounded(value)
    if _TOKEN.fullmatch(checked) is None:
        raise FieldError("must be one word of visible ASCII")
    return checked


def boolean(value: object) -> bool:
    """Take true or false, and nothing that merely looks like it."""
    if value is True or value is False:
        return value
    raise FieldError("must be true or false")


def seconds(value: object) -> int:
    """Take a whole number of seconds, zero included."""
    # To Python, true is an integer.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= SECONDS_LIMIT:
        raise FieldError(f"must be a whole number of seconds from 0 to {SECONDS_LIMIT}")
    return value


def web_uri(value: object) -> str:
    """Take an http or https URL that people are sent to."""
    if not isinstance(value, str):
        raise FieldError("must be a string")
    check_web_uri(value)
    return value


def https_uri(value: object) -> str:
    """Take an https URL, which may have a fragment."""
    if not isinstance(value, str):
        raise FieldError("must be a string")
    check_https_uri(value)
    return value


def https_or_loopback_uri(value: object) -> str:
    """Take an https URL, or one of plain http on this machine."""
    uri = _string(value)
    check_https_uri(uri, loopback_http=True)
    return uri


def whole_uri(parse: Parser[str]) -> Parser[str]:
    """Return a parser of what *parse* takes, but for fragments."""

    def parse_whole(value: object) -> str:
        uri = parse(value)
        if "#" in uri:
            raise FieldError("must not have a fragment")
        return uri

    return parse_whole


def any_uri(value: object) -> str:
    """Take any absolute URI, as a name for something."""
    uri = _string(value)
    take_apart(uri)
    return uri


def redirect_uri(value: object) -> str:
    """Take one redirect URI of any kind; whether it suits the client is judged later."""
    if not isinstance(value, str):
        raise FieldError("must be a string")
    redirect_kind(value)
    return value


def post_logout_redirect_uri(value: object) -> str:
    """Take where a browser goes after logout: a web page, or back into an application."""
    uri = _string(value)
    parts = take_apart(uri)
    if parts.fragment is not None:
        raise FieldError("must not have a fragment")
    if parts.scheme == "http":
        check_web_uri(uri)
    elif redirect_kind(uri) is RedirectKind.HTTPS:
        check_https_uri(uri)
    return uri


def scope(value: object) -> str:
    """Take one string of scope tokens (RFC 6749 §3.3), each kept once."""
    if not isinstance(value, str):
        raise FieldError("must be one string of scopes separated by spaces")
    return " ".join(parse_scope(value))


def response_type(value: object) -> str:
    """Take a response type and spell it as published (RFC 6749 §3.1.1)."""
    if not isinstance(value, str) or not value:
        raise FieldError("must be a string of words separated by spaces")
    return canonical_response_type(value)


def e_mail(value: object) -> str:
    """Take an e-mail address as people write it; whether it is read by anyone nobody knows."""
    checked = text(value)
    if _E_MAIL.fullmatch(checked) is None:
        raise FieldError("must be an e-mail address")
    return checked


def contact(value: object) -> str:
    """Take how to reach somebody: what has an at sign is an e-mail address (RFC 7591 §2)."""
    checked = text(value)
    if "@" in checked and _E_MAIL.fullmatch(checked) is None:
        raise FieldError("must be an e-mail address when it holds an at sign")
    return checked


def host_name(value: object) -> str:
    """Take a DNS name."""
    name = bounded(value)
    check_host_name(name.lower())
    return name


def address(value: object) -> str:
    """Take an IP address in any spelling, which is compared as a number (RFC 8705 §2.1.2)."""
    written = bounded(value)
    try:
        ip_address(written)
    except ValueError:
        raise FieldError("must be an IP address") from None
    return written


def distinguished_name(value: object) -> str:
    """Take the name of a certificate's subject (RFC 4514)."""
    name = bounded(value, limit=SUBJECT_LIMIT)
    parse_name(name)
    return name


def statement(value: object) -> str:
    """Take a software statement, unread."""
    return bounded(value, limit=STATEMENT_LIMIT)


def one_of(*accepted: str) -> Parser[str]:
    """Return a parser of exactly the *accepted* strings."""
    rule = f"must be {' or '.join(accepted)}"

    def parse(value: object) -> str:
        if isinstance(value, str) and value in accepted:
            return value
        raise FieldError(rule)

    return parse


def array(element: Parser[T], *, limit: int = ARRAY_LIMIT) -> Parser[list[T]]:
    """Return a parser of arrays of at most *limit* elements that *element* parses.

    Repeats are collapsed to the first (A-069). The elements at fault are named by position.
    """
    return partial(_parse_array, element, limit)


def _parse_array(element: Parser[T], limit: int, value: object) -> list[T]:
    if not isinstance(value, list):
        raise FieldError("must be an array")
    if len(value) > limit:
        raise FieldError(f"must not hold more than {limit} elements")
    try:
        parsed = [element(item) for item in value]
    except FieldError:
        raise FieldError(_element_rules(element, value)) from None
    return parsed if len(parsed) < 2 else list(dict.fromkeys(parsed))  # noqa: PLR2004 - no repeats


def _element_rules(element: Parser[T], value: list[object]) -> str:
    rules = []
    for position, item in enumerate(value):
        try:
            element(item)
        except FieldError as error:
            rules.append(f"[{position}] {error.rule}")
    more = len(rules) - _REPORTED_ELEMENTS
    return ", ".join(rules[:_REPORTED_ELEMENTS]) + (f", and {more} more" if more > 0 else "")


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise FieldError("must be a string")
    return value
