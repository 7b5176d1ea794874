"""What use cases know of an issuer, from its record."""

from registrary.core.issuer import Issuer
from registrary.core.metadata import Offer, offer_for
from registrary.registrar.context import IssuerContext


def offer_of(issuer: Issuer) -> Offer:
    """Return what *issuer* offers; to a developer also documents of plain http on this machine."""
    return offer_for(issuer.rule_set.value, issuer.scopes, loopback_http=issuer.dev)


def context_of(issuer: Issuer) -> IssuerContext:
    """Return what use cases know of *issuer*."""
    return IssuerContext(
        issuer=issuer,
        offer=offer_of(issuer),
        registration_endpoint=f"{issuer.url}/register",
    )
