"""The rule sets: what an issuer offers, and what each further feature adds to it.

``rfc9700`` is the current practice: the code grant with PKCE, no token in the front channel, no
``password`` (RFC 9700 §2). ``oidf-dynamic`` adds what certification as a dynamic OpenID provider
demands besides (OpenID Connect Core §15.2), which contradicts that practice.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from registrary.core.metadata.field import Feature
from registrary.core.metadata.grants import (
    AUTHORIZATION_CODE,
    CIBA,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    IMPLICIT,
    JWT_BEARER,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
)
from registrary.core.metadata.offer import Offer
from registrary.core.scope import ScopeDefinition

RFC9700: Final = "rfc9700"
OIDF_DYNAMIC: Final = "oidf-dynamic"

ID_JAG: Final = "urn:ietf:params:oauth:grant-profile:id-jag"

Lists = Mapping[str, tuple[str, ...]]

_ASYMMETRIC: Final = ("ES256", "RS256", "PS256", "EdDSA")
_SERVER_SIGNING: Final = ("RS256", "ES256", "EdDSA")  # Core §15.1: RS256 is always among them
_WRAPPING: Final = ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW", "RSA-OAEP-256")
_CONTENT: Final = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")

# The first method is the one RFC 7591 §2 means by default, for clients that take the first.
# ``none`` is listed because public clients may register (T-17).
_BASE: Final[Lists] = {
    "grant_types_supported": (AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS),
    "response_types_supported": ("code",),
    "response_modes_supported": ("query", "fragment", "form_post"),
    "token_endpoint_auth_methods_supported": (
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "none",
    ),
    # RFC 9864 names EdDSA on this curve anew; clients of either vocabulary find theirs.
    "token_endpoint_auth_signing_alg_values_supported": (*_ASYMMETRIC, "Ed25519", "HS256"),
    "id_token_signing_alg_values_supported": _SERVER_SIGNING,
    "subject_types_supported": ("public", "pairwise"),
    "code_challenge_methods_supported": ("S256",),
}

_RULE_SETS: Final[Mapping[str, tuple[Lists, frozenset[Feature]]]] = {
    RFC9700: ({}, frozenset()),
    OIDF_DYNAMIC: (
        {
            "grant_types_supported": (IMPLICIT,),
            "response_types_supported": (
                "id_token",
                "id_token token",
                "code id_token",
                "code token",
                "code id_token token",
            ),
            "id_token_signing_alg_values_supported": ("none",),
        },
        frozenset({Feature.REQUEST_OBJECTS, Feature.REQUEST_URIS}),
    ),
}

_ADDED_BY: Final[Mapping[Feature, Lists]] = {
    Feature.BACKCHANNEL_AUTHENTICATION: {
        "grant_types_supported": (CIBA,),
        "backchannel_token_delivery_modes_supported": ("poll", "ping", "push"),
        "backchannel_authentication_request_signing_alg_values_supported": _ASYMMETRIC,
    },
    Feature.CLIENT_AUTHORITIES: {"token_endpoint_auth_methods_supported": ("tls_client_auth",)},
    Feature.DEVICE_GRANT: {"grant_types_supported": (DEVICE_CODE,)},
    Feature.DPOP: {"dpop_signing_alg_values_supported": ("ES256", "RS256", "PS256", "EdDSA")},
    Feature.ENCRYPTED_REQUESTS: {
        "request_object_encryption_alg_values_supported": ("ECDH-ES",),  # our one key's alg
        "request_object_encryption_enc_values_supported": _CONTENT,
    },
    Feature.ENCRYPTION: {
        f"{what}_encryption_{part}_values_supported": values
        for what in ("id_token", "userinfo")
        for part, values in (("alg", _WRAPPING), ("enc", _CONTENT))
    },
    Feature.JWT_BEARER_GRANT: {
        "grant_types_supported": (JWT_BEARER,),
        "authorization_grant_profiles_supported": (ID_JAG,),
    },
    Feature.MUTUAL_TLS: {
        "token_endpoint_auth_methods_supported": ("self_signed_tls_client_auth",),
    },
    Feature.REQUEST_OBJECTS: {
        "request_object_signing_alg_values_supported": ("none", *_ASYMMETRIC),
    },
    Feature.SIGNED_INTROSPECTION: {"introspection_signing_alg_values_supported": _SERVER_SIGNING},
    Feature.SIGNED_RESPONSES: {
        "authorization_signing_alg_values_supported": _SERVER_SIGNING,
        "response_modes_supported": ("jwt", "query.jwt", "fragment.jwt", "form_post.jwt"),
    },
    Feature.SIGNED_USERINFO: {"userinfo_signing_alg_values_supported": _SERVER_SIGNING},
    Feature.TOKEN_EXCHANGE: {"grant_types_supported": (TOKEN_EXCHANGE,)},
}

# Answers that can be encrypted once they can be signed.
_ADDED_BY_BOTH: Final = (
    (Feature.SIGNED_INTROSPECTION, "introspection"),
    (Feature.SIGNED_RESPONSES, "authorization"),
)


@lru_cache(maxsize=256)
def offer_for(
    rule_set: str,
    scopes: tuple[ScopeDefinition, ...],
    *,
    features: frozenset[Feature] = frozenset(),
    loopback_http: bool = False,
    authorization_details_types: tuple[str, ...] = (),
) -> Offer:
    """Return what an issuer under *rule_set* (``rfc9700`` or ``oidf-dynamic``) offers.

    *features* are had besides those of the rule set. *loopback_http* is for development.
    Equal arguments yield the same object. Raises `KeyError` for an unknown rule set.
    """
    added, included = _RULE_SETS[rule_set]
    features |= included
    accepted = {name: list(values) for name, values in _BASE.items()}
    _add(accepted, added)
    for feature in sorted(features):
        _add(accepted, _ADDED_BY.get(feature, {}))
    for feature, what in _ADDED_BY_BOTH:
        if {feature, Feature.ENCRYPTION} <= features:
            _add(accepted, _encryption_of(what))
    if authorization_details_types and Feature.AUTHORIZATION_DETAILS in features:
        accepted["authorization_details_types_supported"] = list(authorization_details_types)
    return Offer(
        {name: tuple(values) for name, values in accepted.items()}, features, scopes, loopback_http
    )


def _encryption_of(what: str) -> Lists:
    return {
        f"{what}_encryption_alg_values_supported": _WRAPPING,
        f"{what}_encryption_enc_values_supported": _CONTENT,
    }


def _add(accepted: dict[str, list[str]], lists: Mapping[str, Iterable[str]]) -> None:
    for name, values in lists.items():
        accepted.setdefault(name, []).extend(values)
