"""Sectors of pairwise subjects: which host, and which document says who belongs (OIDCR §5)."""

from collections.abc import Iterable, Mapping
from typing import Any

from registrary.core.errors import FieldError
from registrary.core.metadata.grants import CIBA
from registrary.core.uris import host_of

Values = Mapping[str, Any]  # Any: values of members are any JSON


def sector_need(values: Values) -> str | None:
    """Return the address of the sector document that has to be read, or None.

    It is read whenever it is named, whatever the subject type (C-009).
    """
    named: str | None = values.get("sector_identifier_uri")
    return named


def sector_host(values: Values) -> str | None:
    """Return the host that pairwise subjects are computed for; None for public subjects.

    OpenID Connect Core §8.1. A client without redirect URIs has the host of its keys.
    """
    if values.get("subject_type") != "pairwise":
        return None
    named = sector_need(values)
    if named is not None:
        return host_of(named)
    for uri in values.get("redirect_uris") or ():
        # A rule between members made sure that all have the same.
        return host_of(uri)
    keys = values.get("jwks_uri")
    return None if keys is None else host_of(keys)


def sector_members(values: Values) -> list[str]:
    """Return every URI of the client that its sector document has to list (E-094)."""
    listed = list(values.get("redirect_uris") or ())
    if CIBA in values.get("grant_types", ()):
        is_push = values.get("backchannel_token_delivery_mode") == "push"
        name = "backchannel_client_notification_endpoint" if is_push else "jwks_uri"
        listed += [values[name]] if name in values else []
    return listed


def check_sector_document(document: object, redirect_uris: Iterable[str]) -> None:
    """Demand that every redirect URI stands in the sector document, byte for byte (C-009).

    Raises `FieldError`.
    """
    if not isinstance(document, list) or not all(isinstance(item, str) for item in document):
        raise FieldError("must lead to a JSON array of strings")
    if not set(document).issuperset(redirect_uris):
        raise FieldError("must lead to a document that lists every redirect URI")
