"""A request to register: who asks, what was sent, and what must be known to judge it."""

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


class Applicant(msgspec.Struct, frozen=True):
    """Who asks to register: with which token, from where."""

    token: PresentedToken | None
    peer: str
    request_id: str = ""


class Draft(msgspec.Struct, frozen=True):
    """What a door made of the document that an applicant sent."""

    door: str
    offer: Offer
    parsed: Parsed


class SectorDocument(msgspec.Struct, frozen=True):
    """What came of fetching a sector document; *value* is None when it could not be used."""

    value: object | None


class Facts(msgspec.Struct, frozen=True):
    """What was learnt about an applicant. Absent facts were not needed or do not exist.

    *initial_access_token* is the record whose digest matched, whatever its state;
    *uses_made* how often it was used. *clients* is how many there are, by the counter of each
    quota that is set.
    """

    initial_access_token: InitialAccessToken | None = None
    uses_made: int = 0
    clients: dict[str, int] = {}
