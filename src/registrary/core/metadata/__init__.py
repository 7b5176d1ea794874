"""Client metadata: one row for each member, parsed raw in, validated out."""

from registrary.core.metadata.document import (
    BY_NAME,
    FIELDS,
    POSITION,
    Parsed,
    base_name,
    describe,
    in_deciding_order,
    parse_document,
)
from registrary.core.metadata.field import Feature, Field, Source
from registrary.core.metadata.offer import Offer, offer_for

__all__ = [
    "BY_NAME",
    "FIELDS",
    "POSITION",
    "Feature",
    "Field",
    "Offer",
    "Parsed",
    "Source",
    "base_name",
    "describe",
    "in_deciding_order",
    "offer_for",
    "parse_document",
]
