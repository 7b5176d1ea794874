"""Signed JWTs (RFC 7515, RFC 7519): made, read with suspicion, and judged by their claims.

Every reader names the algorithms it takes; there is no way to leave that out, and ``none`` is
not an algorithm here. Keys come from the caller, never from the token's own header; the one
exception proves possession of just that key (`registrary.core.jose.dpop`).
"""

from registrary.core.jose.algorithms import (
    SIGNING_ALGORITHMS,
    SigningHandle,
    canonical_algorithm,
    load_private_key,
    mac_handle,
)
from registrary.core.jose.assertion import (
    Assertion,
    AssertionRefused,
    UnverifiedAssertion,
    read_client_assertion,
    verify_client_assertion,
)
from registrary.core.jose.claims import ClaimRules, Claims, numeric_date
from registrary.core.jose.errors import JoseError, UnknownKey
from registrary.core.jose.jws import UnverifiedJws, parse_jws, verify_jws, verify_mac
from registrary.core.jose.jwt import sign_jwt, verify_jwt

__all__ = [
    "SIGNING_ALGORITHMS",
    "Assertion",
    "AssertionRefused",
    "ClaimRules",
    "Claims",
    "JoseError",
    "SigningHandle",
    "UnknownKey",
    "UnverifiedAssertion",
    "UnverifiedJws",
    "canonical_algorithm",
    "load_private_key",
    "mac_handle",
    "numeric_date",
    "parse_jws",
    "read_client_assertion",
    "sign_jwt",
    "verify_client_assertion",
    "verify_jws",
    "verify_jwt",
    "verify_mac",
]
