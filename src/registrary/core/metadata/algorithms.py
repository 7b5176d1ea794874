"""Families of JOSE algorithms (RFC 7518), as far as metadata has to tell them apart."""

from collections.abc import Mapping
from typing import Any, Final

NONE: Final = "none"

# OpenID Connect Core §10.1, RFC 7518 §3.2: a MAC key is at least as long as the hash.
MAC_KEY_OCTETS: Final = {"HS256": 32, "HS384": 48, "HS512": 64}

DEFAULT_ENCODING: Final = "A128CBC-HS256"

SIGNING_MEMBERS: Final = (
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "request_object_signing_alg",
    "introspection_signed_response_alg",
    "authorization_signed_response_alg",
)
"""Members that name how something between client and server is signed or MACed."""

ENCRYPTION_MEMBERS: Final[Mapping[str, str]] = {
    "id_token_encrypted_response_alg": "id_token_encrypted_response_enc",
    "userinfo_encrypted_response_alg": "userinfo_encrypted_response_enc",
    "introspection_encrypted_response_alg": "introspection_encrypted_response_enc",
    "authorization_encrypted_response_alg": "authorization_encrypted_response_enc",
    "request_object_encryption_alg": "request_object_encryption_enc",
}
"""Members that name how a key is wrapped, each with the one for the content."""

ENCRYPTED_TO_THE_CLIENT: Final = tuple(
    name for name in ENCRYPTION_MEMBERS if name != "request_object_encryption_alg"
)
"""Those whose key is the client's: a request object is encrypted to the server."""

_NAMING_ALGORITHMS: Final = frozenset(SIGNING_MEMBERS) | frozenset(ENCRYPTION_MEMBERS)
_SYMMETRIC_WRAPPING: Final = ("dir", "A128", "A192", "A256", "PBES2")


def is_mac(algorithm: str) -> bool:
    """Tell whether *algorithm* is an HMAC keyed by the client secret."""
    return algorithm.startswith("HS")


def is_signature(algorithm: str) -> bool:
    """Tell whether *algorithm* is verified by a public key."""
    return algorithm != NONE and not is_mac(algorithm)


def is_symmetric_encryption(algorithm: str) -> bool:
    """Tell whether a key wrapped by *algorithm* takes the client secret (RFC 7518 §4.1)."""
    return algorithm.startswith(_SYMMETRIC_WRAPPING)


def secret_members(metadata: Mapping[str, Any]) -> list[str]:
    """Return the members of *metadata* that name an algorithm keyed by the client secret."""
    if _NAMING_ALGORITHMS.isdisjoint(metadata):
        return []
    return [
        *(name for name in SIGNING_MEMBERS if name in metadata and is_mac(metadata[name])),
        *(
            name
            for name in ENCRYPTION_MEMBERS
            if name in metadata and is_symmetric_encryption(metadata[name])
        ),
    ]
