"""Rules about keys, subjects, scopes and tokens of the resulting client."""

from collections.abc import Iterator
from typing import Final

from registrary.core.errors import Problem
from registrary.core.metadata.offer import AUTHORIZATION_CODE
from registrary.core.uris import host_of, origin_of
from registrary.policy.consistency.resulting import Resulting, problem

_OPENID: Final = "OpenID Connect Registration §2"
_SYMMETRIC_ENCRYPTION: Final = ("dir", "A", "PBES2")
_ENCRYPTION: Final = (
    ("id_token_encrypted_response_alg", "id_token_encrypted_response_enc"),
    ("userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
    ("request_object_encryption_alg", "request_object_encryption_enc"),
    ("introspection_encrypted_response_alg", "introspection_encrypted_response_enc"),
    ("authorization_encrypted_response_alg", "authorization_encrypted_response_enc"),
)
_SIGNING: Final = (
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "request_object_signing_alg",
    "introspection_signed_response_alg",
    "authorization_signed_response_alg",
)
_TLS_SUBJECTS: Final = tuple(
    f"tls_client_auth_{name}"
    for name in ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
)


def keys_come_one_way(client: Resulting) -> Iterator[Problem]:
    """Refuse keys by value and by reference together (RFC 7591 §2)."""
    if "jwks" in client.values and "jwks_uri" in client.values:
        yield problem("jwks", "must not be given together with jwks_uri", "RFC 7591 §2")


def keys_are_there_when_needed(client: Resulting) -> Iterator[Problem]:
    """Demand public keys where one is verified or encrypted to (OpenID Connect Core §10)."""
    if client.has_keys:
        return
    method = client.get("token_endpoint_auth_method")
    if method in ("private_key_jwt", "self_signed_tls_client_auth"):
        yield problem("jwks", f"or jwks_uri is needed for {method}", "OpenID Connect Core §9")
    requests = client.get("request_object_signing_alg")
    if requests and requests != "none" and not requests.startswith("HS"):
        yield problem("jwks", "or jwks_uri is needed to verify request objects", _OPENID)
    for algorithm, _ in _ENCRYPTION[:2] + _ENCRYPTION[3:]:
        value = client.get(algorithm)
        if value and not is_symmetric_encryption(value):
            yield problem(
                "jwks", f"or jwks_uri is needed for {algorithm}", "OpenID Connect Core §10"
            )


def the_assertion_algorithm_fits(client: Resulting) -> Iterator[Problem]:
    """HMAC goes with client_secret_jwt, signatures go with private_key_jwt (§2)."""
    algorithm = client.get("token_endpoint_auth_signing_alg")
    if algorithm is None:
        return
    by_secret = client.get("token_endpoint_auth_method") == "client_secret_jwt"
    if algorithm.startswith("HS") is not by_secret:
        rule = "must fit token_endpoint_auth_method"
        yield problem("token_endpoint_auth_signing_alg", rule, _OPENID)


def a_public_client_has_no_shared_secret(client: Resulting) -> Iterator[Problem]:
    """Refuse algorithms that need a secret of a client without one (OpenID Connect Core §10)."""
    if not client.is_public:
        return
    for name in _SIGNING:
        if (client.get(name) or "").startswith("HS"):
            yield problem(
                name, "must not need a secret of a public client", "OpenID Connect Core §10.1"
            )
    for name, _ in _ENCRYPTION:
        if is_symmetric_encryption(client.get(name) or ""):
            yield problem(
                name, "must not need a secret of a public client", "OpenID Connect Core §10.2"
            )


def encryption_names_its_algorithm(client: Resulting) -> Iterator[Problem]:
    """Refuse a content encryption without a key algorithm (§2)."""
    for algorithm, encoding in _ENCRYPTION:
        if encoding in client.values and algorithm not in client.values:
            yield problem(encoding, f"must come with {algorithm}", _OPENID)


def unsigned_id_tokens_stay_behind_tls(client: Resulting) -> Iterator[Problem]:
    """``none`` is for ID tokens that come from the token endpoint only (§2)."""
    if client.get("id_token_signed_response_alg") != "none":
        return
    if any("id_token" in name.split(" ") for name in client.values["response_types"]):
        rule = "must not be none when the authorization endpoint returns ID tokens"
        yield problem("id_token_signed_response_alg", rule, _OPENID)


def pairwise_subjects_have_one_sector(client: Resulting) -> Iterator[Problem]:
    """Demand a sector document when redirect URIs have several hosts (OIDC Core §8.1)."""
    if client.get("subject_type") != "pairwise" or "sector_identifier_uri" in client.values:
        return
    hosts = {host_of(uri) for uri in client.redirect_uris}
    if len(hosts) > 1:
        rule = "is needed for pairwise subjects when redirect_uris have several hosts"
        yield problem("sector_identifier_uri", rule, "OpenID Connect Core §8.1")
    elif not hosts and AUTHORIZATION_CODE in client.values["grant_types"]:
        yield problem("sector_identifier_uri", "is needed for pairwise subjects", "OIDC Core §8.1")


def a_scope_remains(client: Resulting) -> Iterator[Problem]:
    """Refuse a scope of which nothing can be granted (RFC 7591 §2)."""
    asked = client.get("scope")
    if asked:
        grantable = {scope.name for scope in client.offer.scopes if not scope.restricted}
        if not any(token in grantable for token in asked.split(" ")):
            yield problem("scope", "must hold a scope that this issuer grants", "RFC 7591 §2")


def tokens_are_bound_one_way(client: Resulting) -> Iterator[Problem]:
    """Refuse binding to a key and to a certificate at once; an ambiguity no verifier expects."""
    if client.get("dpop_bound_access_tokens") and client.get(
        "tls_client_certificate_bound_access_tokens"
    ):
        rule = "must not be true together with tls_client_certificate_bound_access_tokens"
        yield problem("dpop_bound_access_tokens", rule, "RFC 9449 §5.2")


def a_certificate_is_named_once(client: Resulting) -> Iterator[Problem]:
    """Demand exactly one subject of the certificate for tls_client_auth (RFC 8705 §2.1.2)."""
    if client.get("token_endpoint_auth_method") != "tls_client_auth":
        return
    if sum(name in client.values for name in _TLS_SUBJECTS) != 1:
        rule = "must be the only one of the five tls_client_auth members, and one must be given"
        yield problem("tls_client_auth_subject_dn", rule, "RFC 8705 §2.1.2")


def signed_requests_can_be_signed(client: Resulting) -> Iterator[Problem]:
    """Refuse a demand for signed requests from a client that says it will not sign (RFC 9101)."""
    if not client.get("require_signed_request_object"):
        return
    if client.get("request_object_signing_alg") == "none":
        rule = "must not be none when require_signed_request_object is true"
        yield problem("request_object_signing_alg", rule, "RFC 9101 §10.5")


def logout_pages_belong_to_the_client(client: Resulting) -> Iterator[Problem]:
    """Demand that a front-channel logout page shares an origin with a redirect URI (§2)."""
    uri = client.get("frontchannel_logout_uri")
    if uri and origin_of(uri) not in {origin_of(redirect) for redirect in client.redirect_uris}:
        rule = "must share scheme, host and port with a redirect URI"
        yield problem("frontchannel_logout_uri", rule, "OpenID Connect Front-Channel Logout §2")


def logout_over_http_needs_authentication(client: Resulting) -> Iterator[Problem]:
    """Refuse plain http for the logout addresses of public clients (RP-Initiated Logout §3.1)."""
    if not client.is_public:
        return
    for name in ("backchannel_logout_uri", "frontchannel_logout_uri"):
        if (client.get(name) or "").startswith("http:"):
            yield problem(name, "must use https for a public client", "Back-Channel Logout §2.2")


def backchannel_clients_say_how(client: Resulting) -> Iterator[Problem]:
    """Demand a delivery mode and, unless polling, an address from CIBA clients (CIBA §4)."""
    if "urn:openid:params:grant-type:ciba" not in client.values["grant_types"]:
        return
    mode = client.get("backchannel_token_delivery_mode")
    if mode is None:
        yield problem("backchannel_token_delivery_mode", "is needed for this grant", "CIBA §4")
    elif mode != "poll" and "backchannel_client_notification_endpoint" not in client.values:
        rule = "is needed for this delivery mode"
        yield problem("backchannel_client_notification_endpoint", rule, "CIBA §4")


def is_symmetric_encryption(algorithm: str) -> bool:
    """Tell whether a JWE algorithm uses the client secret (RFC 7518 §4.1)."""
    return algorithm.startswith(_SYMMETRIC_ENCRYPTION)
