"""Hashes of tokens beside an ID token (OpenID Connect Core §3.1.3.6, §3.3.2.11)."""

import hashlib
from typing import Final

from registrary.core.base64url import encode

# The hash of each algorithm; RFC 8032 §5.1 hashes with SHA-512.
_HASHES: Final = {
    "HS256": "sha256",
    "RS256": "sha256",
    "ES256": "sha256",
    "PS256": "sha256",
    "EdDSA": "sha512",
    "Ed25519": "sha512",
}


def left_half_hash(value: str, *, alg: str) -> str:
    """Return ``at_hash``, ``c_hash`` or ``s_hash`` of *value* in an ID token signed with *alg*.

    Raises ValueError for an algorithm that signs nothing here. An unsigned ID token has no
    such claims: nothing would vouch for them.
    """
    name = _HASHES.get(alg)
    if name is None:
        raise ValueError("the algorithm has no hash that is used here")
    digest = hashlib.new(name, value.encode("utf-8", "surrogatepass")).digest()
    return encode(digest[: len(digest) // 2])
