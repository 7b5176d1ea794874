"""Thumbprints of keys (RFC 7638)."""

import hashlib
from typing import Final

import msgspec

from registrary.core.base64url import encode
from registrary.core.jwk.members import Jwk

# RFC 7638 §3.2, RFC 8037 §2: the required members, in lexicographic order.
_REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}


def thumbprint(key: Jwk) -> str:
    """Return the SHA-256 thumbprint of a public key, as base64url.

    *key* has passed `check_public_jwk_set` or `usable_keys`, or was made here.
    """
    required = {name: key[name] for name in _REQUIRED[key["kty"]]}
    # The members are ASCII without characters that JSON escapes, so any encoder that adds no
    # space gives the canonical form.
    return encode(hashlib.sha256(msgspec.json.encode(required)).digest())
