"""Fetching documents that clients point to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

DOCUMENT_UNUSABLE: Final = "the document could not be used"
"""All that a client is ever told about a refused fetch: more would let strangers map networks."""


@dataclass(frozen=True, slots=True)
class FetchPurpose:
    """Why a document is fetched, and with that what it may look like.

    *media_types* are lower-case, without parameters; an entry such as ``application/*+json``
    stands for every type with that structured suffix (RFC 6839). *limit_bytes* bounds the body;
    *deadline* bounds the whole fetch, from waiting for a turn to the last byte.
    """

    name: str
    media_types: tuple[str, ...]
    limit_bytes: int
    deadline: timedelta

    def accepts(self, media_type: str) -> bool:
        """Tell whether *media_type* (lower-case, without parameters) is one of those expected."""
        return any(_covers(expected, media_type) for expected in self.media_types)


def _covers(expected: str, media_type: str) -> bool:
    head, star, suffix = expected.partition("*")
    if not star:
        return media_type == expected
    return media_type.startswith(head) and media_type.endswith(suffix)


KIB: Final = 1024

SECTOR_IDENTIFIER_URI: Final = FetchPurpose(
    "sector_identifier_uri",  # OpenID Connect Registration §5: a JSON array of redirect URIs
    media_types=("application/json",),
    limit_bytes=64 * KIB,
    deadline=timedelta(seconds=5),
)
JWKS_URI: Final = FetchPurpose(
    "jwks_uri",  # RFC 7517 §8.5.2 names the second type
    media_types=("application/json", "application/jwk-set+json"),
    limit_bytes=64 * KIB,
    deadline=timedelta(seconds=5),
)
CLIENT_ID_METADATA_DOCUMENT: Final = FetchPurpose(
    "client_id_metadata_document",  # the draft recommends the limit (§8.7) and allows the suffix
    media_types=("application/json", "application/*+json"),
    limit_bytes=5 * KIB,
    deadline=timedelta(seconds=5),
)

LOGO_URI: Final = FetchPurpose(
    "logo_uri",  # RFC 7591 §2; drawn anew before anybody sees it
    media_types=("image/png", "image/jpeg", "image/gif", "image/webp"),
    limit_bytes=256 * KIB,
    deadline=timedelta(seconds=5),
)

REQUEST_OBJECT: Final = FetchPurpose(
    "request_uri",  # RFC 9101 §5.2.3 names the first type; servers of files know the last two alone
    media_types=(
        "application/oauth-authz-req+jwt",
        "application/jwt",
        "application/jose",
        "application/octet-stream",
        "text/plain",
    ),
    limit_bytes=16 * KIB,
    deadline=timedelta(seconds=5),
)

PURPOSES: Final[Mapping[str, FetchPurpose]] = MappingProxyType(
    {
        purpose.name: purpose
        for purpose in (
            SECTOR_IDENTIFIER_URI,
            JWKS_URI,
            CLIENT_ID_METADATA_DOCUMENT,
            LOGO_URI,
            REQUEST_OBJECT,
        )
    }
)
"""Every purpose by its name; a further kind of document is a further row."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document as it was served with status 200, within the limits of its purpose.

    *fresh_for* is how long the server lets it be used again: None where it says nothing, zero
    where it forbids it. *etag* is the server's name for this version, verbatim.
    """

    body: bytes
    media_type: str
    fresh_for: timedelta | None = None
    etag: str | None = None


class Refusal(StrEnum):
    """What kept a document from being used; for logs, metrics and audit, never for clients."""

    URL = "url"
    """The URL is not one we fetch: scheme, port, spelling of the host."""
    ADDRESS = "address"
    """The host leads, or led a moment ago, to an address that must not be connected to."""
    UNRESOLVED = "unresolved"
    """The host has no address."""
    BUDGET = "budget"
    """Too much was fetched from the host lately."""
    DEADLINE = "deadline"
    """The document did not arrive in time."""
    CONNECTION = "connection"
    """No connection came about, or it broke, or its certificate is not trusted."""
    STATUS = "status"
    """The answer is not a 200; redirects are not followed."""
    MEDIA_TYPE = "media_type"
    """The answer says it is of another type, or of none."""
    ENCODING = "encoding"
    """The answer is compressed, which was not asked for."""
    SIZE = "size"
    """The answer is larger than its purpose allows."""
    CONTENT = "content"
    """The document arrived but does not say what its purpose needs."""


class FetchRefused(Exception):
    """A document could not be had, or not used; nothing was stored.

    The text is the same whatever happened, so that it may be shown. *refusal* and *detail* say
    what happened, for the operator alone.
    """

    def __init__(self, refusal: Refusal, detail: str) -> None:
        super().__init__(DOCUMENT_UNUSABLE)
        self.refusal = refusal
        self.detail = detail

    @staticmethod
    def public_text(field: str) -> str:
        """Return what the client is told about the document named by its member *field*."""
        return f"{field}: {DOCUMENT_UNUSABLE}"


class Fetcher(Protocol):
    """Fetches documents from addresses strangers chose, without harm to the network we are in."""

    async def fetch(self, url: str, *, purpose: FetchPurpose) -> Fetched:
        """Fetch the document at *url*; raise FetchRefused, and nothing else, when it cannot be.

        Redirects are not followed. Special-use addresses are refused before connecting.
        """
        ...
