"""Client metadata: one row for each member, parsed raw in, validated out."""

from registrary.core.metadata.document import (
    Parsed,
    describe,
    in_deciding_order,
    parse_document,
)
from registrary.core.metadata.field import Feature, Field, Source
from registrary.core.metadata.members import Metadata
from registrary.core.metadata.offer import Offer
from registrary.core.metadata.offers import offer_for
from registrary.core.metadata.table import (
    BY_NAME,
    FIELDS,
    POSITION,
    SERVER_MEMBERS,
    base_name,
)

__all__ = [
    "BY_NAME",
    "FIELDS",
    "POSITION",
    "SERVER_MEMBERS",
    "Feature",
    "Field",
    "Metadata",
    "Offer",
    "Parsed",
    "Source",
    "base_name",
    "describe",
    "in_deciding_order",
    "offer_for",
    "parse_document",
]
