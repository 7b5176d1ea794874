"""What an issuer offers: the values it takes and the features it has.

Discovery publishes it and registration judges by it, so the two cannot disagree (D-034).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from registrary.core.metadata.field import Feature
from registrary.core.scope import ScopeDefinition, default_scope

AUTHORIZATION_CODE: Final = "authorization_code"
REFRESH_TOKEN: Final = "refresh_token"
CLIENT_CREDENTIALS: Final = "client_credentials"
IMPLICIT: Final = "implicit"

SECRET_METHODS: Final = frozenset({"client_secret_basic", "client_secret_post"})
JWT_METHODS: Final = frozenset({"client_secret_jwt", "private_key_jwt"})
MUTUAL_TLS_METHODS: Final = frozenset({"tls_client_auth", "self_signed_tls_client_auth"})

_ASYMMETRIC: Final = ("ES256", "RS256", "PS256", "EdDSA")
_SERVER_SIGNING: Final = ("RS256", "ES256", "EdDSA")

_RFC9700: Final[dict[str, tuple[str, ...]]] = {
    "grant_types_supported": (AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS),
    "response_types_supported": ("code",),
    "response_modes_supported": ("query", "fragment", "form_post"),
    "token_endpoint_auth_methods_supported": (
        "none",
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
    ),
    "token_endpoint_auth_signing_alg_values_supported": (*_ASYMMETRIC, "HS256"),
    "id_token_signing_alg_values_supported": _SERVER_SIGNING,
    "subject_types_supported": ("public", "pairwise"),
    "code_challenge_methods_supported": ("S256",),
}

_OIDF_DYNAMIC: Final[dict[str, tuple[str, ...]]] = {
    **_RFC9700,
    "grant_types_supported": (*_RFC9700["grant_types_supported"], IMPLICIT),
    "response_types_supported": (
        "code",
        "id_token",
        "id_token token",
        "code id_token",
        "code token",
        "code id_token token",
    ),
    "request_object_signing_alg_values_supported": ("none", *_ASYMMETRIC),
}


@dataclass(frozen=True)
class Offer:
    """What one issuer offers. *accepted* maps announcing members to the values they list."""

    accepted: dict[str, tuple[str, ...]]
    features: frozenset[Feature]
    scopes: tuple[ScopeDefinition, ...]

    def accepts(self, announced_by: str, value: str) -> bool:
        """Tell whether *value* is in the list that *announced_by* publishes."""
        return value in self.accepted.get(announced_by, ())

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

    def within(
        self,
        *,
        grant_types: Sequence[str] | None = None,
        scopes: Sequence[str] | None = None,
    ) -> "Offer":
        """Return the same offer under a ceiling; None leaves a side as it is."""
        accepted, catalogue = dict(self.accepted), self.scopes
        if grant_types is not None:
            kept = tuple(grant for grant in self.grant_types if grant in grant_types)
            accepted["grant_types_supported"] = kept
        if scopes is not None:
            catalogue = tuple(scope for scope in catalogue if scope.name in scopes)
        return replace(self, accepted=accepted, scopes=catalogue)

    def announced(self) -> dict[str, Any]:
        """Return the members of the server's metadata that this offer fills (RFC 8414 §2)."""
        published = [scope.name for scope in self.scopes if not scope.restricted]
        members: dict[str, Any] = {"scopes_supported": published}
        members.update((name, list(values)) for name, values in self.accepted.items() if values)
        members["request_parameter_supported"] = Feature.REQUEST_OBJECTS in self.features
        members["request_uri_parameter_supported"] = Feature.REQUEST_URIS in self.features
        members["require_request_uri_registration"] = Feature.REQUEST_URIS in self.features
        members["claims_parameter_supported"] = False
        return members


def offer_for(rule_set: str, scopes: tuple[ScopeDefinition, ...]) -> Offer:
    """Return what an issuer under *rule_set* (``rfc9700`` or ``oidf-dynamic``) offers."""
    if rule_set == "oidf-dynamic":
        features = frozenset({Feature.REQUEST_OBJECTS, Feature.REQUEST_URIS})
        return Offer(_OIDF_DYNAMIC, features, scopes)
    return Offer(_RFC9700, frozenset(), scopes)
