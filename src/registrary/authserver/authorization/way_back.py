"""The way back to a client: an address it registered, and how the answer travels there.

An error or an answer goes nowhere but along a `WayBack`, and a `ProvedUri` comes of nothing but
`prove_redirect_uri`: no path through this server leads to an address that nobody compared
(CVE-2026-41479, CVE-2023-6927).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType
from urllib.parse import quote, urlencode

from registrary.core.client import Client
from registrary.core.errors import FieldError
from registrary.core.uris import RedirectKind, matches, redirect_kind, take_apart

ProvedUri = NewType("ProvedUri", str)
"""A redirect URI as it was asked for, which the client registered."""

Fields = Sequence[tuple[str, str]]


class ResponseMode(StrEnum):
    """How an authorization response travels (OAuth 2.0 Multiple Response Types §2.1, JARM §2.3).

    ``jwt`` is no member: it stands for the signed form of the default.
    """

    QUERY = "query"
    FRAGMENT = "fragment"
    FORM_POST = "form_post"
    QUERY_JWT = "query.jwt"
    FRAGMENT_JWT = "fragment.jwt"
    FORM_POST_JWT = "form_post.jwt"

    @property
    def is_signed(self) -> bool:
        """Tell whether the answer is one signed parameter, ``response``."""
        return self.value.endswith(".jwt")

    @property
    def transport(self) -> "ResponseMode":
        """Return how it travels, signed or not."""
        return ResponseMode(self.value.removesuffix(".jwt"))


SIGNED_DEFAULT: Final = "jwt"


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where and how the answer goes. *state* is the client's own, None when it sent none."""

    uri: ProvedUri
    mode: ResponseMode = ResponseMode.QUERY
    state: str | None = None


def prove_redirect_uri(client: Client, asked: str | None, *, is_openid: bool) -> ProvedUri:
    """Return where the answer goes; raises `FieldError` unless *client* registered it.

    Compared byte for byte but for the port of a loopback address (RFC 9700 §4.1.3). It may be
    left out where exactly one is registered (RFC 6749 §3.1.2.3), never with ``openid`` (Core
    §3.1.2.1).
    """
    registered: Sequence[str] = client.metadata.get("redirect_uris") or ()
    if asked is None:
        if is_openid or len(registered) != 1:
            raise FieldError("is needed")
        return ProvedUri(registered[0])
    # Registration judged the URIs it knows; a client that came another way is judged here.
    redirect_kind(asked)
    if not any(matches(uri, asked) for uri in registered):
        raise FieldError("is not one that the client registered")
    return ProvedUri(asked)


def with_query(uri: ProvedUri, fields: Fields) -> str:
    """Return *uri* with *fields* behind whatever its query holds (RFC 6749 §3.1.2)."""
    separator = "?" if "?" not in uri else "" if uri[-1] in "?&" else "&"
    return f"{uri}{separator}{_encoded(fields)}"


def with_fragment(uri: ProvedUri, fields: Fields) -> str:
    """Return *uri* with *fields* as its fragment; a registered URI has none."""
    return f"{uri}#{_encoded(fields)}"


def _encoded(fields: Iterable[tuple[str, str]]) -> str:
    # A space as %20: some readers of queries and most of fragments leave "+" as it is.
    return urlencode(list(fields), quote_via=quote)


def form_action_source(uri: str) -> str:
    """Return what a page's policy must admit for a form's answer to lead to *uri*.

    That is the origin; for private schemes, and for IPv6 addresses, which the grammar of
    sources does not know, the scheme.
    """
    parts = take_apart(uri)
    if redirect_kind(uri) is RedirectKind.PRIVATE or (parts.host or "").startswith("["):
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.host}" + (f":{parts.port}" if parts.port else "")


def shown_place(uri: str) -> str:
    """Return where *uri* leads as people can judge it: host with port, or the private scheme."""
    parts = take_apart(uri)
    if redirect_kind(uri) is RedirectKind.PRIVATE:
        return f"{parts.scheme}:"
    return (parts.host or "") + (f":{parts.port}" if parts.port else "")
