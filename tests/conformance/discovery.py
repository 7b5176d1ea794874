"""`oidcc-discovery-endpoint-verification`: what metadata must hold and may not."""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from tests.conformance.judge import key_set
from tests.conformance.suite import Suite

Metadata = dict[str, Any]  # Any: members are JSON values

SCOPE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # RFC 6749 §3.3
LOCALE: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")  # RFC 5646
PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
ISSUER_NAMES: Final = ("acr_values_supported", "claims_locales_supported", "ui_locales_supported")

_LISTS: Final = frozenset(
    {
        "acr_values_supported",
        "authorization_details_types_supported",
        "authorization_encryption_alg_values_supported",
        "authorization_encryption_enc_values_supported",
        "authorization_grant_profiles_supported",  # of the draft of ID-JAG, not registered yet
        "authorization_signing_alg_values_supported",
        "backchannel_authentication_request_signing_alg_values_supported",
        "backchannel_token_delivery_modes_supported",
        "claim_types_supported",
        "claims_locales_supported",
        "claims_supported",
        "code_challenge_methods_supported",
        "display_values_supported",
        "dpop_signing_alg_values_supported",
        "grant_types_supported",
        "id_token_encryption_alg_values_supported",
        "id_token_encryption_enc_values_supported",
        "id_token_signing_alg_values_supported",
        "introspection_encryption_alg_values_supported",
        "introspection_encryption_enc_values_supported",
        "introspection_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_signing_alg_values_supported",
        "introspection_signing_alg_values_supported",
        "prompt_values_supported",
        "protected_resources",
        "request_object_encryption_alg_values_supported",
        "request_object_encryption_enc_values_supported",
        "request_object_signing_alg_values_supported",
        "response_modes_supported",
        "response_types_supported",
        "revocation_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_signing_alg_values_supported",
        "scopes_supported",
        "subject_types_supported",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "ui_locales_supported",
        "userinfo_encryption_alg_values_supported",
        "userinfo_encryption_enc_values_supported",
        "userinfo_signing_alg_values_supported",
    }
)
_BOOLEANS: Final = frozenset(
    {
        "authorization_response_iss_parameter_supported",
        "backchannel_logout_session_supported",
        "backchannel_logout_supported",
        "backchannel_user_code_parameter_supported",
        "claims_parameter_supported",
        "client_id_metadata_document_supported",
        "frontchannel_logout_session_supported",
        "frontchannel_logout_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "require_pushed_authorization_requests",
        "require_request_uri_registration",
        "require_signed_request_object",
        "tls_client_certificate_bound_access_tokens",
    }
)
_ADDRESSES: Final = frozenset(
    {
        "authorization_endpoint",
        "backchannel_authentication_endpoint",
        "check_session_iframe",
        "device_authorization_endpoint",
        "end_session_endpoint",
        "introspection_endpoint",
        "issuer",
        "jwks_uri",
        "op_policy_uri",
        "op_tos_uri",
        "pushed_authorization_request_endpoint",
        "registration_endpoint",
        "revocation_endpoint",
        "service_documentation",
        "status_list_aggregation_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
    }
)
_OTHERS: Final = frozenset({"mtls_endpoint_aliases", "signed_metadata"})
REGISTERED: Final = _LISTS | _BOOLEANS | _ADDRESSES | _OTHERS
"""The names of the registry that an authorization server of this kind may publish."""


def check_discovery(suite: Suite, metadata: Metadata) -> None:
    """Check what every OpenID provider publishes (F-050)."""
    assert suite.issuer == metadata["issuer"]
    assert [] == sorted(metadata.keys() - REGISTERED)
    check_types(metadata)
    check_addresses(metadata)
    check_keys(suite.keys())
    assert set() < set(metadata["subject_types_supported"]) <= {"public", "pairwise"}
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "RS256" in metadata["userinfo_signing_alg_values_supported"]
    assert "RS256" in metadata["request_object_signing_alg_values_supported"]
    assert "code" in metadata["response_types_supported"]
    assert "authorization_code" in metadata["grant_types_supported"]
    assert {"sub", "name", "email"} <= set(metadata["claims_supported"])
    assert "openid" in metadata["scopes_supported"]
    assert [] == [name for name in metadata["scopes_supported"] if not SCOPE.fullmatch(name)]


def check_dynamic_discovery(metadata: Metadata) -> None:
    """Check what a dynamic provider publishes besides (Core §15.2)."""
    assert {"code", "id_token", "id_token token"} <= set(metadata["response_types_supported"])
    assert {"authorization_code", "implicit"} <= set(metadata["grant_types_supported"])
    assert "registration_endpoint" in metadata


def check_types(metadata: Metadata) -> None:
    """Check that members are of the types they are registered with, and none is empty."""
    lists = {name: value for name, value in metadata.items() if name in _LISTS}
    booleans = {name: value for name, value in metadata.items() if name in _BOOLEANS}
    assert [] == [
        name
        for name, value in lists.items()
        if not isinstance(value, list)
        or not value
        or not all(isinstance(one, str) for one in value)
        or len(set(value)) != len(value)
    ]
    assert [] == [name for name, value in booleans.items() if not isinstance(value, bool)]
    locales = [one for name in ISSUER_NAMES[1:] for one in metadata.get(name, [])]
    assert [] == [locale for locale in locales if not LOCALE.fullmatch(locale)]


def check_addresses(metadata: Metadata) -> None:
    """Check that whatever is an address is one, and is reached over TLS."""
    addresses = {
        name: value
        for name, value in metadata.items()
        if name in _ADDRESSES or name.endswith("_endpoint")
    }
    parts = {name: urlsplit(value) for name, value in addresses.items()}
    assert {
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
    } <= addresses.keys()
    assert [] == [name for name, one in parts.items() if one.scheme != "https" or not one.netloc]
    assert ("", "") == (parts["issuer"].query, parts["issuer"].fragment)


def check_keys(keys: Metadata) -> None:
    """Check that a JWK Set is one of public keys, each with a name of its own."""
    names = [key["kid"] for key in keys["keys"]]
    assert len(names) == len(set(names)) > 0
    assert [] == [key["kid"] for key in keys["keys"] if PRIVATE & key.keys()]
    assert len(names) == len(key_set(keys).keys)
    assert {"sig"} <= {key["use"] for key in keys["keys"]} <= {"sig", "enc"}
