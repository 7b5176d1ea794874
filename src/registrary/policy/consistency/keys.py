"""Rules between algorithms, keys and the ways a client proves who it is."""

from typing import Final

from registrary.core.metadata import Feature
from registrary.core.metadata.algorithms import (
    ENCRYPTED_TO_THE_CLIENT,
    ENCRYPTION_MEMBERS,
    NONE,
    SIGNING_MEMBERS,
    is_mac,
    is_signature,
    is_symmetric_encryption,
    secret_members,
)
from registrary.core.metadata.grants import response_words
from registrary.policy.consistency.defaults import TLS_SUBJECTS
from registrary.policy.consistency.resulting import Resulting, problem
from registrary.policy.consistency.rule import Problems, rule

_OPENID: Final = "OpenID Connect Registration §2"
_METHOD: Final = "token_endpoint_auth_method"
_ALGORITHM: Final = "token_endpoint_auth_signing_alg"
_KEYS: Final = ("jwks", "jwks_uri")
_CIBA_ALGORITHM: Final = "backchannel_authentication_request_signing_alg"
_METHODS_WITH_KEYS: Final = ("private_key_jwt", "self_signed_tls_client_auth")
_MAY_NEED_KEYS: Final = frozenset(
    {"request_object_signing_alg", _CIBA_ALGORITHM, *ENCRYPTED_TO_THE_CLIENT}
)


@rule("RFC 7591 §2", reads=_KEYS)
def keys_come_one_way(client: Resulting) -> Problems:
    """Refuse keys by value and by reference together (A-040)."""
    if "jwks" in client.values and "jwks_uri" in client.values:
        return [problem("jwks", "must not be given together with jwks_uri", "RFC 7591 §2")]
    return ()


@rule(
    "OpenID Connect Core §10",
    reads=(
        *_KEYS,
        _METHOD,
        _CIBA_ALGORITHM,
        "grant_types",
        "request_object_signing_alg",
        *ENCRYPTED_TO_THE_CLIENT,
    ),
)
def keys_are_there_when_needed(client: Resulting) -> Problems:
    """Demand public keys where something is verified by them or encrypted to them (C-024)."""
    values = client.values
    if client.has_keys or (
        values[_METHOD] not in _METHODS_WITH_KEYS and _MAY_NEED_KEYS.isdisjoint(values)
    ):
        return ()
    needing = [
        *([_METHOD] if values[_METHOD] in _METHODS_WITH_KEYS else []),
        *(
            name
            for name in ("request_object_signing_alg", _CIBA_ALGORITHM)
            if name in values and is_signature(values[name])
        ),
        *(
            name
            for name in ENCRYPTED_TO_THE_CLIENT
            if name in values and not is_symmetric_encryption(values[name])
        ),
    ]
    section = "OpenID Connect Core §10"
    return [
        problem("jwks", f"must be given, or jwks_uri, for this {name}", section) for name in needing
    ]


@rule(_OPENID, reads=(_METHOD, _ALGORITHM))
def the_assertion_algorithm_suits_the_method(client: Resulting) -> Problems:
    """Let HMAC go with client_secret_jwt and signatures with private_key_jwt (C-018)."""
    algorithm = client.values.get(_ALGORITHM)
    if algorithm is None:
        return ()
    announced_by = "token_endpoint_auth_signing_alg_values_supported"
    if not client.offer.accepts(announced_by, algorithm):
        return [problem(_ALGORITHM, f"must be among {announced_by}", _OPENID)]
    if is_mac(algorithm) is not (client.values[_METHOD] == "client_secret_jwt"):
        return [problem(_ALGORITHM, f"must suit {_METHOD}", _OPENID)]
    return ()


@rule(
    "OpenID Connect Core §10.1",
    reads=(_METHOD, *SIGNING_MEMBERS, *ENCRYPTION_MEMBERS),
)
def a_public_client_shares_no_secret(client: Resulting) -> Problems:
    """Refuse algorithms keyed by a secret of clients that have none (C-025)."""
    if not client.is_public:
        return ()
    section = "OpenID Connect Core §10.1"
    rule_text = "must not be keyed by a secret for a client without one"
    return [problem(name, rule_text, section) for name in secret_members(client.values)]


@rule(
    _OPENID,
    reads=(*ENCRYPTION_MEMBERS, *ENCRYPTION_MEMBERS.values()),
    features=(Feature.ENCRYPTED_REQUESTS, Feature.ENCRYPTION),
)
def an_encoding_names_its_algorithm(client: Resulting) -> Problems:
    """Refuse a content encryption without a way to wrap its key (C-013, C-014, C-016)."""
    return [
        problem(encoding, f"must come with {algorithm}", _OPENID)
        for algorithm, encoding in ENCRYPTION_MEMBERS.items()
        if encoding in client.values and algorithm not in client.values
    ]


@rule(_OPENID, reads=("id_token_signed_response_alg", "response_types", "grant_types", _METHOD))
def unsigned_id_tokens_stay_on_the_back_channel(client: Resulting) -> Problems:
    """Let ID tokens be unsigned only where TLS delivers them to the client (C-012)."""
    if client.values.get("id_token_signed_response_alg") != NONE:
        return ()
    if "id_token" not in response_words(client.values["response_types"]):
        return ()
    rule_text = "must not be none when response_types has a type with id_token"
    return [problem("id_token_signed_response_alg", rule_text, _OPENID)]


@rule(
    "RFC 8705 §2.1.2",
    reads=(_METHOD, *TLS_SUBJECTS),
    features=(Feature.MUTUAL_TLS,),
)
def a_certificate_is_named_once(client: Resulting) -> Problems:
    """Demand exactly one name of the certificate for tls_client_auth (E-020)."""
    if client.values[_METHOD] != "tls_client_auth":
        return ()
    section = "RFC 8705 §2.1.2"
    given = [name for name in TLS_SUBJECTS if name in client.values]
    if not given:
        rule_text = "must be given, or one other member of this kind, for tls_client_auth"
        return [problem(TLS_SUBJECTS[0], rule_text, section)]
    rule_text = f"must not be given together with {given[0]}"
    return [problem(name, rule_text, section) for name in given[1:]]


@rule("RFC 8705 §2.2.2", reads=(_METHOD, *_KEYS), features=(Feature.MUTUAL_TLS,))
def a_self_signed_certificate_is_registered(client: Resulting) -> Problems:
    """Demand a certificate with a key, where the keys can be seen (E-021)."""
    if client.values[_METHOD] != "self_signed_tls_client_auth" or "jwks" not in client.values:
        return ()
    if any("x5c" in key for key in client.values["jwks"]["keys"]):
        return ()
    return [problem("jwks", "must hold a key with x5c for this method", "RFC 8705 §2.2.2")]


@rule(
    "RFC 9449 §5.2",
    reads=(
        "dpop_bound_access_tokens",
        "tls_client_certificate_bound_access_tokens",
        "response_types",
        "grant_types",
        _METHOD,
    ),
    features=(Feature.DPOP, Feature.MUTUAL_TLS),
)
def bound_tokens_are_bound_one_way(client: Resulting) -> Problems:
    """Refuse two ways of binding, and tokens that come where none can be bound (E-012)."""
    bindings = {
        "dpop_bound_access_tokens": "RFC 9449 §5.2",
        "tls_client_certificate_bound_access_tokens": "RFC 8705 §3.4",
    }
    chosen = [name for name in bindings if client.values.get(name)]
    found = []
    if len(chosen) > 1:
        rule_text = "must not be true together with tls_client_certificate_bound_access_tokens"
        found.append(problem(chosen[0], rule_text, bindings[chosen[0]]))
    if chosen and "token" in response_words(client.values["response_types"]):
        rule_text = "must not be true when response_types has a type with token"
        found.append(problem(chosen[0], rule_text, bindings[chosen[0]]))
    return found


@rule(
    "RFC 9101 §10.5",
    reads=("require_signed_request_object", "request_object_signing_alg", _METHOD, *_KEYS),
    features=(Feature.SIGNED_REQUESTS,),
)
def demanded_signatures_can_be_made(client: Resulting) -> Problems:
    """Refuse a demand for signed requests of a client that cannot sign them (E-031)."""
    if not client.values.get("require_signed_request_object"):
        return ()
    algorithm = client.values.get("request_object_signing_alg")
    section = "RFC 9101 §10.5"
    if algorithm == NONE:
        rule_text = "must not be none when require_signed_request_object is true"
        return [problem("request_object_signing_alg", rule_text, section)]
    if algorithm is None and not client.has_keys:
        rule_text = "must not be true without jwks, jwks_uri or a secret to sign with"
        return [problem("require_signed_request_object", rule_text, section)]
    return ()
