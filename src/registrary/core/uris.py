"""The one module that judges URIs. They stay text: read once, never normalised, never rebuilt.

What two readers may understand differently is refused in the raw text, because that is where the
redirect advisories of peers begin: bounded length, ASCII, no control characters, spaces or
backslashes, no user information, no odd spelling of an address, no dot segments. Every pattern
here takes time in proportion to the length. Parts are compared lower-cased, and whole.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

from registrary.core.addresses import is_loopback, parse_address
from registrary.core.errors import FieldError
from registrary.core.schemes import is_denied

URI_LIMIT: Final = 2048  # characters
HOST_LIMIT: Final = 253  # characters (RFC 1035 §2.3.4, as text)
LAST_PORT: Final = 0xFFFF
LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

# RFC 3986 §3 without user information. Brackets are let through in path and query, where clients
# do use them. Possessive classes: what one part took is never given back to another. No possessive
# groups, here and anywhere: Python before 3.11.5 does not step back from one that failed half-way
# (python/cpython#100061).
_URI: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.\-]*+):"
    r"(?:(?!//)|//(\[[0-9A-Za-z:.]*+\]|[A-Za-z0-9._~!$&'()+,;=\-]*+)"
    r"(?::([1-9][0-9]{0,4}+))?(?=[/?#]|\Z))"
    r"([A-Za-z0-9._~!$&'()*+,;=:@%/\[\]\-]*+)"
    r"(?:\?([A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]\-]*+))?"
    r"(?:#([A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]\-]*+))?"
)
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DNS_NAME: Final = re.compile(
    r"(?:[a-z0-9_][a-z0-9_\-]{0,62}+(?<!-)\.)*[a-z0-9_][a-z0-9_\-]{0,62}+(?<!-)"
)
# What nearly every https URL looks like, judged in one step: a lower-case name whose last label is
# no number, a short port, a path of unreserved characters. No longer than a host may be.
_PLAIN: Final = re.compile(
    r"https://(?:[a-z0-9][a-z0-9\-]{0,62}+(?<!-)\.)+[a-z][a-z0-9\-]{0,62}+(?<!-)"
    r"(?::[1-9][0-9]{0,3}+)?(?:/[A-Za-z0-9._~/\-]*+)?"
)
# A last label that is a number makes browsers take the host for an IPv4 address, in any of the
# spellings inet_aton knows (WHATWG URL, "ends in a number").
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Encoded dots and slashes count, and so does the parameter of "..;/", which some servers cut off.
_DOT_SEGMENT: Final = re.compile(
    r"(?:\A|[/;]|%2[fF]|%5[cC])(?:\.|%2[eE]){1,2}(?:[/;]|%2[fF]|%5[cC]|\Z)"
)
_LOOPBACK: Final = re.compile(
    r"([Hh][Tt][Tt][Pp]://(?:[Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|127\.0\.0\.1|\[::1\]))"
    r"(?::([1-9][0-9]{0,4}))?((?:[/?].*)?)",
    re.DOTALL,
)

# Members of authorization responses: in a registered query they could be taken for an answer.
RESPONSE_PARAMETERS: Final = frozenset(
    {"access_token", "code", "error", "id_token", "iss", "response", "state"}
)
_HTTPS_HOST: Final = re.compile(r"https://(\[[^\]]*\]|[^/?#:]*)", re.IGNORECASE)
_SEPARATORS: Final = re.compile(r"[&;]")
_BRACKETS: Final = re.compile(r"[\[\]]")
_UNDERSCORES: Final = str.maketrans(". [", "___")


class RedirectKind(StrEnum):
    """What kind of place a redirect URI leads to."""

    HTTPS = "https"
    LOOPBACK = "loopback"
    PRIVATE = "private"


class Parts(NamedTuple):
    """A URI taken apart, as written, but for *scheme* and *host*, which are lower-cased.

    *host* and *port* are None where there is none; an empty host is an empty string.
    """

    scheme: str
    host: str | None
    port: str | None
    path: str
    query: str | None
    fragment: str | None


def take_apart(uri: str) -> Parts:
    """Return the parts of an absolute URI; raises `FieldError` naming the first broken rule.

    Whether the host can be one is for `check_web_uri` and the like: the part between ``//`` and
    the path of a private scheme is not always a host.
    """
    if len(uri) > URI_LIMIT:
        raise FieldError(f"must not be longer than {URI_LIMIT} characters")
    match = _URI.fullmatch(uri)
    if match is None or ("%" in uri and _BAD_PERCENT.search(uri)):
        raise FieldError(_broken_rule(uri))
    scheme, host, port, path, query, fragment = match.groups()
    if port is not None and int(port) > LAST_PORT:
        raise FieldError(_PORT_RULE)
    return Parts(
        scheme.lower(), host if host is None else host.lower(), port, path, query, fragment
    )


# One request asks several times about the same URIs. Bounded, and small beside one document.
@lru_cache(maxsize=512)
def redirect_kind(uri: str) -> RedirectKind:
    """Return what kind of place a redirect URI leads to; raises `FieldError` if it may not be.

    RFC 7591 §5, RFC 6749 §3.1.2, RFC 9700 §2.1 and §2.6, RFC 8252 §7. Whether a client may use
    a URI of this kind depends on its other members.
    """
    if len(uri) <= HOST_LIMIT and _PLAIN.fullmatch(uri) and "/." not in uri:
        return RedirectKind.HTTPS
    parts = take_apart(uri)
    if parts.fragment is not None:
        raise FieldError("must not have a fragment, not even an empty one")
    kind = _kind(parts)
    path = parts.path
    if "*" in path:
        raise FieldError("must not have a wildcard")
    # The first half spares nearly every path the search.
    if ("/." in path or "%" in path or ";." in path or path[:1] == ".") and _DOT_SEGMENT.search(
        path
    ):
        raise FieldError("must not have dot segments")
    if parts.query and not RESPONSE_PARAMETERS.isdisjoint(_parameter_names(parts.query)):
        raise FieldError("must not have a parameter of the response in its query")
    return kind


def _kind(parts: Parts) -> RedirectKind:
    if parts.scheme == "https":
        _check_host(parts)
        return RedirectKind.HTTPS
    if parts.scheme == "http":
        _check_host(parts)
        if parts.host not in LOOPBACK_HOSTS:
            raise FieldError("must use https unless the host is this machine")
        return RedirectKind.LOOPBACK
    check_private_scheme(parts.scheme)
    if parts.host is None and not parts.path:
        raise FieldError("must name more than a scheme")
    return RedirectKind.PRIVATE


def _parameter_names(query: str) -> Iterator[str]:
    """Return every name that some reader finds in *query*.

    Semicolons separate for some; ``code[]`` and ``[code]`` are arrays called ``code``; PHP reads
    dots, spaces and open brackets as underscores; ASP.NET compares without case.
    """
    for pair in _SEPARATORS.split(query):
        name = unquote_plus(pair.partition("=")[0]).strip().lower()
        yield name.translate(_UNDERSCORES)
        yield next(filter(None, _BRACKETS.split(name)), "")


def check_private_scheme(scheme: str) -> None:
    """Refuse a lower-cased scheme that no application can have to itself (RFC 8252 §7.1).

    A dot is not demanded: ``cursor`` and ``vscode`` are in use (E-113). Raises `FieldError`.
    """
    if len(scheme) == 1:
        raise FieldError("must not have a scheme of one letter, which is a drive")
    if is_denied(scheme):
        raise FieldError("must not use this scheme")


def matches(registered: str, requested: str) -> bool:
    """Tell whether *requested* is *registered*, by simple string comparison (RFC 3986 §6.2.1).

    The port of a loopback URI is not compared (RFC 8252 §7.3, RFC 9700 §4.1.3); everything
    else is, byte for byte: ``localhost``, ``127.0.0.1`` and ``[::1]`` do not stand for each
    other, nor does one spelling of a path or query for another.
    """
    if registered == requested:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(requested)
    if ours is None or theirs is None or int(theirs[2] or 0) > LAST_PORT:
        return False
    return ours[1] == theirs[1] and ours[3] == theirs[3]


def check_web_uri(uri: str) -> None:
    """Refuse what a browser should not be sent to for reading: only http and https pass.

    Raises `FieldError`. A fragment is fine: it points into the page.
    """
    if len(uri) <= HOST_LIMIT and _PLAIN.fullmatch(uri):
        return
    parts = take_apart(uri)
    if parts.scheme not in ("https", "http"):
        raise FieldError("must be an http or https URL")
    _check_host(parts)


def check_https_uri(uri: str, *, loopback_http: bool = False) -> None:
    """Refuse all but https URLs; with *loopback_http* also http to this machine passes.

    Raises `FieldError`. For addresses that are fetched, called, or that people are sent to with
    something to keep private. Where a name leads is for the fetcher, when it connects.
    """
    if len(uri) <= HOST_LIMIT and _PLAIN.fullmatch(uri):
        return
    parts = take_apart(uri)
    if parts.scheme == "http" and loopback_http and parts.host in LOOPBACK_HOSTS:
        return
    if parts.scheme != "https":
        raise FieldError("must be an https URL")
    _check_host(parts)


def host_of(uri: str) -> str:
    """Return the lower-case host of *uri*, without port; empty when it has none."""
    return take_apart(uri).host or ""


def https_host(uri: str) -> str | None:
    """Return the lower-case host of an https *uri* that was judged before; None for any other.

    Unlike `host_of` it does not take the URI apart again; every registration comes by here.
    """
    match = _HTTPS_HOST.match(uri)
    return None if match is None else match[1].lower()


def origin_of(uri: str) -> str:
    """Return scheme, host and port of *uri*, for comparing origins (RFC 6454 §4)."""
    parts = take_apart(uri)
    default = {"https": "443", "http": "80"}.get(parts.scheme)
    port = parts.port or default
    return f"{parts.scheme}://{parts.host or ''}" + ("" if port == default else f":{port}")


def is_loopback_host(host: str) -> bool:
    """Tell whether *host* is one of the three names of this machine that http may have."""
    return host in LOOPBACK_HOSTS


def leads_to_this_machine(host: str) -> bool:
    """Tell whether a lower-case *host* is this machine under any name or address of it.

    ``*.localhost`` too (RFC 6761 §6.3). Wider than `is_loopback_host`: for refusing.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not (host.startswith("[") or host[-1:].isdigit()):
        return False
    try:
        return is_loopback(parse_address(host.strip("[]")))
    except FieldError:
        return False


@lru_cache(maxsize=512)
def check_host_name(host: str) -> None:
    """Refuse what is neither a DNS name nor an address in its usual spelling.

    *host* is lower-case; an IPv6 address stands in brackets. Raises `FieldError`.
    """
    if host.startswith("["):
        # Without a colon it would be a name or an IPv4 address, which have no brackets.
        _check_address(host[1:-1] if ":" in host else host)
    elif len(host) > HOST_LIMIT or _DNS_NAME.fullmatch(host) is None:
        raise FieldError("must have a host that is a name or an address, without patterns")
    elif host[-1].isdigit() or "0x" in host:
        label = host.rpartition(".")[2]
        if _NUMBER.fullmatch(label):
            _check_address(host)


def _check_address(text: str) -> None:
    try:
        parse_address(text)
    except FieldError as error:
        raise FieldError("must spell an address in its usual form") from error


def _check_host(parts: Parts) -> None:
    if not parts.host:
        raise FieldError("must have a host after //")
    check_host_name(parts.host)


_PORT_RULE: Final = f"must have a port between 1 and {LAST_PORT}, without zeros in front"


def _broken_rule(uri: str) -> str:
    """Return which rule a text breaks that is no URI as demanded here; off the usual path."""
    if not uri.isascii():
        return "must be ASCII: encode other characters by percent signs, or as punycode in hosts"
    if any(char <= " " or char == "\x7f" for char in uri):
        return "must not hold spaces or control characters"
    if "\\" in uri:
        return "must not hold backslashes"
    scheme, colon, rest = uri.partition(":")
    if not colon or re.fullmatch(r"[A-Za-z][A-Za-z0-9+.\-]*", scheme) is None:
        return "must be an absolute URI, beginning with its scheme"
    authority = re.split(r"[/?#]", rest[2:], maxsplit=1)[0] if rest.startswith("//") else ""
    if "@" in authority:
        return "must not have user information"
    if "*" in authority:
        return "must not have a wildcard"
    if "%" in authority:
        return "must not have percent signs in its host"
    _, colon, port = authority.rpartition(":")
    if colon and "]" not in port:
        return _PORT_RULE
    return "must hold no characters but those of a URI"
