"""JSON Web Keys (RFC 7517): which sets of public keys are taken, and which key fits a signature."""

from registrary.core.jwk.sets import (
    MAX_FETCHED_KEYS,
    MAX_KEYS,
    check_public_jwk_set,
    select_keys,
    usable_keys,
)
from registrary.core.jwk.thumbprints import thumbprint

__all__ = [
    "MAX_FETCHED_KEYS",
    "MAX_KEYS",
    "check_public_jwk_set",
    "select_keys",
    "thumbprint",
    "usable_keys",
]
