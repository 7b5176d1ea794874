"""A request to register, read by its door: what was sent, and what must be known to judge it."""

from datetime import timedelta
from typing import Any

import msgspec

from registrary.core.metadata import Offer, Parsed
from registrary.core.records import InitialAccessToken


class PresentedToken(msgspec.Struct, frozen=True):
    """A token as presented for registration; *in_path* when it stood in the address."""

    text: str
    in_path: bool = False

    def __repr__(self) -> str:
        """Keep the token out of logs and tracebacks."""
        return "PresentedToken(…)"


class RegistrationRequest(msgspec.Struct, frozen=True):
    """One request to register: the parsed JSON *document* and who sent it from where."""

    document: dict[str, Any]
    token: PresentedToken | None
    peer: str
    request_id: str = ""


class InitialAccessTokenNeed(msgspec.Struct, frozen=True):
    """The record behind a presented initial access token."""

    token: PresentedToken


class SectorDocumentNeed(msgspec.Struct, frozen=True):
    """The document at ``sector_identifier_uri`` (OpenID Connect Registration §5)."""

    url: str


Need = InitialAccessTokenNeed | SectorDocumentNeed


class Draft(msgspec.Struct, frozen=True):
    """What a door made of a request. *needs* are fetched before it is judged."""

    request: RegistrationRequest
    door: str
    offer: Offer
    parsed: Parsed
    needs: tuple[Need, ...] = ()


class SectorDocument(msgspec.Struct, frozen=True):
    """What came of fetching a sector document; *value* is None when it could not be used."""

    value: object | None


class Facts(msgspec.Struct, frozen=True):
    """What was learnt for a draft. Absent facts were not needed or do not exist.

    *initial_access_token* is the record whose digest matched, whatever its state;
    *uses_made* how often it was used. *retry_after* is set when the caller came too often.
    """

    initial_access_token: InitialAccessToken | None = None
    uses_made: int = 0
    sector_document: SectorDocument | None = None
    retry_after: timedelta | None = None
    quotas: dict[str, int] = {}
