"""What every use case knows of the issuer it serves."""

from dataclasses import dataclass

from registrary.core.issuer import Issuer
from registrary.core.metadata import Offer


@dataclass(frozen=True, slots=True)
class IssuerContext:
    """One issuer with what follows from it, made once per revision of its record.

    *offer* is what it offers; *registration_endpoint* is the absolute address below which a
    client manages itself.
    """

    issuer: Issuer
    offer: Offer
    registration_endpoint: str

    @property
    def id(self) -> str:
        """Return the issuer's id, which every record carries."""
        return self.issuer.id
