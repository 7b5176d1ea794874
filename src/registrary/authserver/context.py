"""What every use case of the authorization server knows of its issuer."""

from dataclasses import dataclass

from registrary.core.issuer import Issuer
from registrary.core.metadata import Offer


@dataclass(frozen=True, slots=True)
class ServerContext:
    """One issuer; *token_endpoint* is an audience that client assertions may name.

    *mtls_url* is where the issuer asks for certificates, None when that is nowhere else.
    """

    issuer: Issuer
    offer: Offer
    token_endpoint: str
    mtls_url: str | None = None

    @property
    def audiences(self) -> frozenset[str]:
        """Return what client assertions may name: the issuer, and each name of its token endpoint.

        A client whose tokens are bound to its certificate sees the other one (RFC 8705 §5).
        """
        names = {self.issuer.url, self.token_endpoint}
        if self.mtls_url is not None:
            names.add(self.token_endpoint.replace(self.issuer.url, self.mtls_url, 1))
        return frozenset(names)

    @property
    def id(self) -> str:
        """Return the issuer's id, which every record carries."""
        return self.issuer.id
