"""The door of RFC 7591: a JSON document, with or without an initial access token."""

from registrary.core.draft import Draft, InitialAccessTokenNeed, Need, RegistrationRequest
from registrary.core.metadata import Offer, parse_document


def draft(request: RegistrationRequest, offer: Offer) -> Draft:
    """Read *request*: its members one by one, and what must be known to judge it."""
    needs: tuple[Need, ...] = ()
    if request.token is not None:
        needs = (InitialAccessTokenNeed(request.token),)
    return Draft(
        request=request,
        door="protected" if request.token is not None else "open",
        offer=offer,
        parsed=parse_document(request.document, offer),
        needs=needs,
    )
