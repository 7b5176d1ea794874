"""Issuer addresses: how they are spelt, and which of them answer the same requests."""

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from registrary.core.errors import FieldError
from registrary.core.uris import take_apart

_DEFAULT_PORTS: Final = {"https": "443", "http": "80"}
# Nothing that a proxy, a browser or a router may read in two ways.
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
_DOTS: Final = frozenset({".", ".."})

RESERVED_SEGMENTS: Final = frozenset(
    {
        ".well-known",
        "account",
        "api",
        "authorize",
        "console",
        "device",
        "device_authorization",
        "healthz",
        "introspect",
        "jwks",
        "logos",
        "logout",
        "metrics",
        "par",
        "portal",
        "readyz",
        "register",
        "revoke",
        "signin",
        "status-lists",
        "token",
        "userinfo",
    }
)
"""The words that addresses below an issuer begin with; no issuer's own path has one."""


class IssuerAddress(NamedTuple):
    """Where an issuer is served, which is all that requests know of it.

    *host* is lower-case, with a port unless it is the default one; *path* is empty for the root.
    """

    host: str
    path: str

    def collides(self, other: "IssuerAddress") -> bool:
        """Tell whether some request could reach either: one path is what the other serves."""
        if self.host != other.host:
            return False
        shorter, longer = sorted((self.path, other.path), key=len)
        if shorter == longer:
            return True
        rest = longer.removeprefix(f"{shorter}/")
        return rest != longer and rest.partition("/")[0].lower() in RESERVED_SEGMENTS


def address_of(url: str) -> IssuerAddress:
    """Return where the issuer *url* is served, however it is spelt."""
    parts = urlsplit(url)
    default = _DEFAULT_PORTS.get(parts.scheme, "")
    return IssuerAddress(parts.netloc.lower().removesuffix(f":{default}"), parts.path)


def check_spelling(url: str) -> None:
    """Refuse all spellings of an issuer identifier but the usual one; raises `FieldError`.

    It is compared byte for byte by clients (RFC 8414 §3.3) and as host and path by us: a second
    spelling would be another issuer to them, and the same to us.
    """
    parts = take_apart(url)
    if parts.query is not None or parts.fragment is not None or url.endswith("/"):
        raise FieldError("must have no query, fragment or final slash")
    if not url.startswith(f"{parts.scheme}://{parts.host or ''}"):
        raise FieldError("must have scheme and host in lower case")
    if parts.port is not None and parts.port == _DEFAULT_PORTS.get(parts.scheme):
        raise FieldError("must not name the port that its scheme has anyway")
    if _PATH.fullmatch(parts.path) is None:
        raise FieldError("must have a path of letters, digits, '-', '.', '_' and '~' alone")
    if not _DOTS.isdisjoint(parts.path.split("/")):
        raise FieldError("must not have dot segments")


def check_free_path(url: str) -> None:
    """Refuse a path with a word that addresses below an issuer begin with; raises `FieldError`."""
    segments = take_apart(url).path.lower().split("/")
    if not RESERVED_SEGMENTS.isdisjoint(segments):
        raise FieldError("must not have a path that an issuer has as an address of its own")
