"""A request to register, read by its door: what was sent, and what must be known to judge it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from registrary.core.metadata import Offer, Parsed
from registrary.core.records import InitialAccessToken


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A token as presented for registration; *in_path* when it stood in the address."""

    text: str
    in_path: bool = False

    def __repr__(self) -> str:
        """Keep the token out of logs and tracebacks."""
        return "PresentedToken(…)"


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """One request to register: the parsed JSON *document* and who sent it from where."""

    document: dict[str, Any]
    token: PresentedToken | None
    peer: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class InitialAccessTokenNeed:
    """The record behind a presented initial access token."""

    token: PresentedToken


@dataclass(frozen=True, slots=True)
class SectorDocumentNeed:
    """The document at ``sector_identifier_uri`` (OpenID Connect Registration §5)."""

    url: str


Need = InitialAccessTokenNeed | SectorDocumentNeed


@dataclass(frozen=True, slots=True)
class Draft:
    """What a door made of a request. *needs* are fetched before it is judged."""

    request: RegistrationRequest
    door: str
    offer: Offer
    parsed: Parsed
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class SectorDocument:
    """What came of fetching a sector document; *value* is None when it could not be used."""

    value: object | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What was learnt for a draft. Absent facts were not needed or do not exist.

    *initial_access_token* is the record whose digest matched, whatever its state;
    *uses_made* how often it was used. *retry_after* is set when the caller came too often.
    """

    initial_access_token: InitialAccessToken | None = None
    uses_made: int = 0
    sector_document: SectorDocument | None = None
    retry_after: timedelta | None = None
    quotas: dict[str, int] = field(default_factory=dict)
