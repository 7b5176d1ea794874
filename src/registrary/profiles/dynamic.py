"""The door of RFC 7591: a JSON document, with or without an initial access token."""

from collections.abc import Mapping
from typing import Any

from registrary.core.draft import Applicant, Draft
from registrary.core.metadata import Offer, parse_document


def draft(
    document: Mapping[str, Any],  # Any: values of members are any JSON
    applicant: Applicant,
    offer: Offer,
) -> Draft:
    """Read the *document* of an *applicant* who was let in: its members one by one."""
    return Draft(
        door="protected" if applicant.token is not None else "open",
        offer=offer,
        parsed=parse_document(document, offer),
    )
