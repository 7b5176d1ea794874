"""Fragments of JSON Schema that rows share: the shape of a member, for forms and manuals."""

from typing import Any, Final

from registrary.core.metadata.parsers import ARRAY_LIMIT
from registrary.core.uris import URI_LIMIT

Schema = dict[str, Any]  # Any: JSON Schema is JSON

BOOLEAN: Final[Schema] = {"type": "boolean"}
WORD: Final[Schema] = {"type": "string"}
WORDS: Final[Schema] = {"type": "array", "items": WORD, "maxItems": ARRAY_LIMIT}
URI: Final[Schema] = {"type": "string", "format": "uri", "maxLength": URI_LIMIT}
URIS: Final[Schema] = {"type": "array", "items": URI, "maxItems": ARRAY_LIMIT}


def text(limit: int) -> Schema:
    """Return the schema of a string of at most *limit* characters."""
    return {"type": "string", "maxLength": limit}
