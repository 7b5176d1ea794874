"""The client that a request would result in, while it is being worked out."""

from typing import Any

from registrary.core.errors import Problem
from registrary.core.metadata import BY_NAME, Offer, Source


class Resulting:
    """Values of the resulting client; made and filled by `resolve` alone.

    *values* start as what was sent and gain what follows from it; *sources* says where a value
    came from when it is not what was sent. *pending_scope* was asked for and needs approval;
    *dropped* was sent and means nothing for this client. *usable_grants* are those of its
    grants that it can have.
    """

    __slots__ = (
        "dropped",
        "is_public",
        "offer",
        "pending_scope",
        "sources",
        "usable_grants",
        "values",
    )

    def __init__(self, offer: Offer, values: dict[str, Any], sources: dict[str, str]) -> None:
        self.offer = offer
        self.values = values
        self.sources = sources
        self.pending_scope: tuple[str, ...] = ()
        self.dropped: tuple[str, ...] = ()
        # RFC 7591 §2: without authentication the client keeps no secret. Set by the first steps.
        self.is_public = False
        self.usable_grants: list[str] = []

    def set(self, name: str, value: object, source: Source) -> None:
        """Set *name* to *value* and remember where it came from."""
        self.values[name] = value
        self.sources[name] = source.value

    def drop(self, *names: str) -> None:
        """Forget members that mean nothing for this client."""
        for name in names:
            if name in self.values:
                del self.values[name]
                if self.sources.pop(name, None) != Source.DEFAULT:
                    self.dropped += (name,)

    @property
    def redirect_uris(self) -> list[str]:
        """Return the redirect URIs, none when there are none."""
        return self.values.get("redirect_uris") or []

    @property
    def has_keys(self) -> bool:
        """Tell whether the client gave public keys, by value or by reference."""
        return "jwks" in self.values or "jwks_uri" in self.values


def problem(name: str, rule: str, section: str) -> Problem:
    """Return a problem with one member of the resulting client, under that member's code."""
    return Problem(BY_NAME[name].error, name, rule, section)
