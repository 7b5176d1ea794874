"""What every use case of the authorization server knows of its issuer."""

from dataclasses import dataclass

from registrary.core.issuer import Issuer
from registrary.core.metadata import Offer


@dataclass(frozen=True, slots=True)
class ServerContext:
    """One issuer; *token_endpoint* is an audience that client assertions may name."""

    issuer: Issuer
    offer: Offer
    token_endpoint: str

    @property
    def id(self) -> str:
        """Return the issuer's id, which every record carries."""
        return self.issuer.id
