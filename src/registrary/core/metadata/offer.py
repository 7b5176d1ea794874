"""What an issuer offers: the values it takes and the features it has.

Discovery publishes it and registration judges by it, so the two cannot disagree (D-034).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Final

import msgspec

from registrary.core.metadata.field import Feature, Field
from registrary.core.scope import ScopeDefinition, default_scope

FLAGS: Final[Mapping[str, Feature]] = {
    "request_parameter_supported": Feature.REQUEST_OBJECTS,
    "request_uri_parameter_supported": Feature.REQUEST_URIS,
    # Whatever else could be fetched: only registered addresses are (CVE-2020-10770).
    "require_request_uri_registration": Feature.REQUEST_URIS,
    "tls_client_certificate_bound_access_tokens": Feature.MUTUAL_TLS,
    "backchannel_logout_supported": Feature.BACKCHANNEL_LOGOUT,
    "backchannel_logout_session_supported": Feature.BACKCHANNEL_LOGOUT,
    "frontchannel_logout_supported": Feature.FRONTCHANNEL_LOGOUT,
    "frontchannel_logout_session_supported": Feature.FRONTCHANNEL_LOGOUT,
    "backchannel_user_code_parameter_supported": Feature.BACKCHANNEL_AUTHENTICATION,
}
"""Booleans of the server's metadata, each with the feature it announces."""

# Absent, this one means true (OpenID Connect Discovery §3), so its no has to be said.
_SAID_ALWAYS: Final = frozenset({"request_parameter_supported", "request_uri_parameter_supported"})


@dataclass(frozen=True, eq=False)
class Offer:
    """What one issuer offers; made by `offer_for`, told apart by identity.

    *accepted* maps members of the server's metadata to the values they list; what is not in it
    is not published. With *loopback_http* addresses that this server fetches or calls may be
    plain http on this machine.
    """

    accepted: Mapping[str, tuple[str, ...]]
    features: frozenset[Feature]
    scopes: tuple[ScopeDefinition, ...]
    loopback_http: bool = False

    def accepts(self, announced_by: str, value: str) -> bool:
        """Tell whether *value* is in the list that *announced_by* publishes."""
        return value in self.accepted.get(announced_by, ())

    def has(self, field: Field[Any]) -> bool:  # Any: a row of whatever type
        """Tell whether a member means anything to this issuer (A-036)."""
        if field.feature is not None and field.feature not in self.features:
            return False
        return (
            field.announced_by is None
            or field.announced_by in self.accepted
            or field.is_free_without_list
        )

    @cached_property
    def grant_types(self) -> tuple[str, ...]:
        """Return the grants a client may register."""
        return self.accepted["grant_types_supported"]

    @cached_property
    def response_types(self) -> tuple[str, ...]:
        """Return the response types a client may register, as they are spelt here."""
        return self.accepted["response_types_supported"]

    @cached_property
    def default_scope(self) -> str:
        """Return the scope of a client that asks for none."""
        return " ".join(default_scope(self.scopes))

    @cached_property
    def scope_by_name(self) -> dict[str, ScopeDefinition]:
        """Return the scopes of the catalogue by name."""
        return {scope.name: scope for scope in self.scopes}

    @cached_property
    def open_scopes(self) -> frozenset[str]:
        """Return the names of scopes that nobody has to approve."""
        return frozenset(scope.name for scope in self.scopes if not scope.restricted)

    def within(
        self,
        *,
        grant_types: Iterable[str] | None = None,
        token_endpoint_auth_methods: Iterable[str] | None = None,
        scopes: Iterable[str] | None = None,
    ) -> "Offer":
        """Return the same offer under a ceiling; None leaves a side as it is.

        The same ceiling yields the same object, so what was made for it is found again.
        """
        return _within(
            self,
            None if grant_types is None else frozenset(grant_types),
            None if token_endpoint_auth_methods is None else frozenset(token_endpoint_auth_methods),
            None if scopes is None else frozenset(scopes),
        )

    def approving(self, names: Iterable[str]) -> "Offer":
        """Return the same offer where the restricted scopes called *names* need no approval.

        For a client that has it. The same names yield the same object.
        """
        approved = frozenset(names)
        return _approving(self, approved) if approved else self

    def announced(self) -> dict[str, Any]:  # Any: lists of strings, and booleans
        """Return the members of the server's metadata that this offer fills (RFC 8414 §2).

        Empty lists are left out (OpenID Connect Discovery §4.2), and so are restricted scopes.
        """
        members: dict[str, Any] = {
            name: list(values) for name, values in self.accepted.items() if values
        }
        published = [scope.name for scope in self.scopes if not scope.restricted]
        if published:
            members["scopes_supported"] = published
        for name, feature in FLAGS.items():
            if feature in self.features or name in _SAID_ALWAYS:
                members[name] = feature in self.features
        return members


@lru_cache(maxsize=256)
def _approving(offer: Offer, approved: frozenset[str]) -> Offer:
    catalogue = tuple(
        msgspec.structs.replace(scope, restricted=scope.restricted and scope.name not in approved)
        for scope in offer.scopes
    )
    return replace(offer, scopes=catalogue)


_Ceiling = frozenset[str] | None


@lru_cache(maxsize=256)
def _within(  # noqa: PLR0917 - a cache has no names for what it is called with
    offer: Offer, grant_types: _Ceiling, methods: _Ceiling, scopes: _Ceiling
) -> Offer:
    accepted = dict(offer.accepted)
    for name, ceiling in (
        ("grant_types_supported", grant_types),
        ("token_endpoint_auth_methods_supported", methods),
    ):
        if ceiling is not None:
            accepted[name] = tuple(value for value in accepted[name] if value in ceiling)
    catalogue = offer.scopes
    if scopes is not None:
        catalogue = tuple(scope for scope in catalogue if scope.name in scopes)
    return replace(offer, accepted=accepted, scopes=catalogue)
