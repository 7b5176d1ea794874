"""The table of client metadata: every row, in the order that decides."""

from typing import Any, Final

from registrary.core.metadata import extensions, logout, openid, rfc7591
from registrary.core.metadata.field import Field

FIELDS: Final[tuple[Field[Any], ...]] = (  # Any: rows of members of every type
    *rfc7591.FIELDS,
    *openid.FIELDS,
    *logout.FIELDS,
    *extensions.FIELDS,
)
"""Every member of client metadata, ``redirect_uris`` first: of several problems the first in
this order names the error code."""

BY_NAME: Final[dict[str, Field[Any]]] = {field.name: field for field in FIELDS}
POSITION: Final[dict[str, int]] = {field.name: place for place, field in enumerate(FIELDS)}

SERVER_MEMBERS: Final = frozenset(
    {
        "client_id",
        "client_secret",
        "client_id_issued_at",
        "client_secret_expires_at",
        "registration_access_token",
        "registration_client_uri",
        "registrary_state",
        "registrary_pending_scope",
        "registrary_pending_change",
    }
)
"""Members of answers that this server alone sets; in a registration they say nothing (A-037)."""


def base_name(name: str) -> str:
    """Return the member that a language-tagged *name* belongs to."""
    return name.partition("#")[0]


def position(name: str) -> int:
    """Return where *name*, language-tagged or not, stands in the table; unknown ones are last."""
    return POSITION.get(base_name(name), len(FIELDS))
