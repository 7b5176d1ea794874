"""A request to register: who asks, what was sent, and what must be known to judge it."""

from datetime import datetime
from hashlib import sha256

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


class RegistrationAccess(msgspec.Struct, frozen=True):
    """An access token presented for registration: whose it is, and what it is good for.

    *person* is the id of who signed in, None for a token that the client got in its own name.
    It serves once: *is_spent* says that it did.
    """

    jti: str
    client_id: str
    person: str | None
    scope: tuple[str, ...]
    expires_at: datetime
    is_spent: bool = False

    @property
    def digest(self) -> str:
        """Return what stands for the token among those that were used."""
        return sha256(f"registration\0{self.jti}".encode()).hexdigest()

    @property
    def bearer(self) -> str:
        """Return who registers with it, in a word: ``person:…`` or ``client:…``."""
        return f"person:{self.person}" if self.person else f"client:{self.client_id}"


class Facts(msgspec.Struct, frozen=True):
    """What was learnt about an applicant. Absent facts were not needed or do not exist.

    *initial_access_token* is the record whose digest matched, whatever its state;
    *uses_made* how often it was used. *access* is what an access token in its place allows.
    *clients* is how many there are, by the counter of each
    quota that is set.
    """

    initial_access_token: InitialAccessToken | None = None
    uses_made: int = 0
    access: RegistrationAccess | None = None
    clients: dict[str, int] = {}
