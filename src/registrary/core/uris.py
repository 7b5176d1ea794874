"""The one module that judges URIs. They stay text: parsed once, never normalised.

Raw-text rules come first, because two parsers that disagree on a byte are the root of most
redirect advisories in peers: length, ASCII, no control characters or spaces, no backslash, no
user information, no dot segments. The scheme is compared lower-cased, against what is allowed.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from registrary.core.errors import FieldError

URI_LIMIT: Final = 2048  # characters
LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
MAX_PORT: Final = 65535

# Linear in the length: no group is repeated inside another. RFC 3986 §3, Appendix B.
_SHAPE: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):"
    r"(?P<authority>//[^/?#]*)?"
    r"(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?",
    re.DOTALL,
)
_CHARACTERS: Final = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_HOST_AND_PORT: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")
_DNS_NAME: Final = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?\.?)+")
_DOT_SEGMENT: Final = re.compile(r"(?:^|[/;])(?:\.|%2[eE]){1,2}(?:[/;]|$)")

# Schemes a browser, a shell or a file manager would act upon (RFC 9700 §4.1.3, RFC 8252 §7.1).
DENIED_SCHEMES: Final = frozenset(
    {
        "about",
        "blob",
        "chrome",
        "chrome-extension",
        "content",
        "data",
        "dict",
        "facetime",
        "feed",
        "file",
        "filesystem",
        "ftp",
        "ftps",
        "geo",
        "gopher",
        "imap",
        "intent",
        "irc",
        "jar",
        "javascript",
        "ldap",
        "ldaps",
        "livescript",
        "magnet",
        "mailto",
        "market",
        "moz-extension",
        "ms-appx",
        "mms",
        "news",
        "nfs",
        "nntp",
        "pop",
        "resource",
        "rtsp",
        "sftp",
        "shell",
        "sip",
        "sips",
        "sms",
        "smsto",
        "ssh",
        "tel",
        "telnet",
        "urn",
        "vbscript",
        "view-source",
        "ws",
        "wss",
        "wyciwyg",
        "xmpp",
    }
)

# Members of authorization responses: in a registered query they could be taken for an answer.
_RESPONSE_PARAMETERS: Final = frozenset(
    {"access_token", "code", "error", "id_token", "iss", "response", "state"}
)


class RedirectKind(StrEnum):
    """What kind of place a redirect URI leads to."""

    HTTPS = "https"
    LOOPBACK = "loopback"
    PRIVATE = "private"


class Parts(NamedTuple):
    """A URI taken apart, as written; *scheme* and *host* are lower-cased for comparison."""

    scheme: str
    host: str | None
    port: str | None
    path: str
    query: str | None
    has_fragment: bool


@lru_cache(maxsize=4096)
def take_apart(uri: str) -> Parts:
    """Return the parts of an absolute URI; raises `FieldError` naming the first broken rule."""
    _check_text(uri)
    match = _SHAPE.fullmatch(uri)
    if match is None:
        raise FieldError("must be an absolute URI")
    authority = match["authority"]
    host, port = _host_and_port(authority[2:]) if authority is not None else (None, None)
    query = match["query"]
    return Parts(
        scheme=match["scheme"].lower(),
        host=host,
        port=port,
        path=match["path"],
        query=query[1:] if query is not None else None,
        has_fragment=match["fragment"] is not None,
    )


def redirect_kind(uri: str) -> RedirectKind:
    """Return what kind of place a redirect URI leads to; raises `FieldError` if it may not be.

    RFC 7591 §5, RFC 6749 §3.1.2, RFC 9700 §2.1 and §2.6, RFC 8252 §7.
    """
    parts = take_apart(uri)
    if parts.has_fragment:
        raise FieldError("must not have a fragment, not even an empty one")
    _check_redirect_path(parts)
    if parts.scheme == "https":
        _check_host(parts)
        return RedirectKind.HTTPS
    if parts.scheme == "http":
        return _http_redirect(parts)
    if parts.scheme in DENIED_SCHEMES:
        raise FieldError("must not use this scheme")
    if not (parts.path or parts.host):
        raise FieldError("must name more than a scheme")
    return RedirectKind.PRIVATE


def matches(registered: str, requested: str) -> bool:
    """Tell whether *requested* is *registered*, by simple string comparison.

    The port of a loopback URI is not compared (RFC 8252 §7.3, RFC 9700 §4.1.3); everything
    else is, byte for byte: ``localhost``, ``127.0.0.1`` and ``[::1]`` do not stand for each
    other, nor does one spelling of a path or query for another.
    """
    if registered == requested:
        return True
    cut = _without_loopback_port(registered)
    return cut is not None and cut == _without_loopback_port(requested)


def check_web_uri(uri: str) -> None:
    """Refuse what a browser should not be sent to for reading: only http and https pass."""
    parts = take_apart(uri)
    if parts.scheme not in ("https", "http"):
        raise FieldError("must be an http or https URL")
    _check_host(parts)


def check_https_uri(uri: str, *, loopback_http: bool = False) -> None:
    """Refuse all but https URLs; with *loopback_http* also http on a loopback host passes."""
    parts = take_apart(uri)
    if parts.scheme == "http" and loopback_http and parts.host in LOOPBACK_HOSTS:
        return
    if parts.scheme != "https":
        raise FieldError("must be an https URL")
    _check_host(parts)


def host_of(uri: str) -> str:
    """Return the lower-case host of *uri*, without port; empty when it has none."""
    return take_apart(uri).host or ""


def origin_of(uri: str) -> str:
    """Return scheme, host and port of *uri*, for comparing origins (RFC 6454 §4)."""
    parts = take_apart(uri)
    default = {"https": "443", "http": "80"}.get(parts.scheme)
    port = parts.port or default
    return f"{parts.scheme}://{parts.host or ''}" + ("" if port == default else f":{port}")


def is_loopback_host(host: str) -> bool:
    """Tell whether *host* is one of the three spellings of this machine."""
    return host in LOOPBACK_HOSTS


def _check_text(uri: str) -> None:
    if len(uri) > URI_LIMIT:
        raise FieldError(f"must not be longer than {URI_LIMIT} characters")
    if _CHARACTERS.fullmatch(uri) is None:
        raise FieldError("must be ASCII without spaces, control characters and stray symbols")


def _host_and_port(authority: str) -> tuple[str, str | None]:
    if "@" in authority:
        raise FieldError("must not have user information")
    match = _HOST_AND_PORT.fullmatch(authority)
    if match is None:
        raise FieldError("must have a host and, at most, a port")
    port = match["port"]
    if port is not None and (not port or int(port[:6]) > MAX_PORT or len(port) > 5):  # noqa: PLR2004
        raise FieldError("must have a port between 0 and 65535")
    return match["host"].lower(), port


def _check_host(parts: Parts) -> None:
    host = parts.host
    if not host:
        raise FieldError("must have a host")
    if not host.startswith("[") and _DNS_NAME.fullmatch(host) is None:
        raise FieldError("must have a host that is a name or an address, without patterns")


def _check_redirect_path(parts: Parts) -> None:
    if _DOT_SEGMENT.search(parts.path):
        raise FieldError("must not have dot segments")
    if parts.query:
        names = {pair.partition("=")[0] for pair in parts.query.split("&")}
        if names & _RESPONSE_PARAMETERS:
            raise FieldError("must not have a parameter of the response in its query")


def _http_redirect(parts: Parts) -> RedirectKind:
    _check_host(parts)
    if parts.host not in LOOPBACK_HOSTS:
        raise FieldError("must use https, unless the host is this machine")
    return RedirectKind.LOOPBACK


def _without_loopback_port(uri: str) -> tuple[str, str] | None:
    """Return what of a loopback URI is compared, or None for any other URI."""
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme != "http":
        return None
    for host in LOOPBACK_HOSTS:
        if rest.startswith(host):
            tail = rest[len(host) :]
            port = re.match(r":[0-9]{1,5}(?=[/?]|$)", tail)
            tail = tail[port.end() :] if port else tail
            return (host, tail) if not tail or tail[0] in "/?" else None
    return None
