"""The client that a request would result in, while it is being worked out."""

from dataclasses import dataclass, field
from typing import Any

from registrary.core.errors import Problem
from registrary.core.metadata import Offer, Source


@dataclass(slots=True)
class Resulting:
    """Values of the resulting client; made and filled by `resolve` alone.

    *values* start as what was sent and gain defaults; *sources* says where a value came from
    when it is not what was sent. *pending_scope* was asked for and needs approval.
    """

    offer: Offer
    values: dict[str, Any]
    sources: dict[str, str] = field(default_factory=dict)
    pending_scope: tuple[str, ...] = ()

    def get(self, name: str) -> Any:  # noqa: ANN401 - as various as the members are
        """Return a value, or None when the client has none."""
        return self.values.get(name)

    def default(self, name: str, value: object, source: Source = Source.DEFAULT) -> None:
        """Set *name* to *value* and remember where it came from."""
        self.values[name] = value
        self.sources[name] = source.value

    def drop(self, *names: str) -> None:
        """Forget members that mean nothing for this client."""
        for name in names:
            self.values.pop(name, None)
            self.sources.pop(name, None)

    @property
    def is_public(self) -> bool:
        """Tell whether the client cannot keep a secret (RFC 6749 §2.1)."""
        return bool(self.values.get("token_endpoint_auth_method") == "none")

    @property
    def redirect_uris(self) -> list[str]:
        """Return the redirect URIs, none when there are none."""
        return self.values.get("redirect_uris") or []

    @property
    def has_keys(self) -> bool:
        """Tell whether the client gave public keys, by value or by reference."""
        return "jwks" in self.values or "jwks_uri" in self.values


def problem(
    name: str, rule: str, section: str, *, code: str = "invalid_client_metadata"
) -> Problem:
    """Return a problem with one member of the resulting client."""
    return Problem(code, name, rule, section)
