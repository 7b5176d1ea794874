"""What the metadata of a client says about the credentials it needs."""

from collections.abc import Mapping
from typing import Any, Final

from registrary.core.metadata.algorithms import MAC_KEY_OCTETS, SIGNING_MEMBERS, secret_members

SECRET_METHODS: Final = frozenset({"client_secret_basic", "client_secret_post"})

Values = Mapping[str, Any]  # Any: values of members are any JSON


def is_public(metadata: Values) -> bool:
    """Tell whether the client does not authenticate: it cannot keep a secret (RFC 7591 §2)."""
    return bool(metadata.get("token_endpoint_auth_method") == "none")


def needs_secret(metadata: Values) -> bool:
    """Tell whether the client needs a ``client_secret`` at all (RFC 7591 §3.2.1, A-110)."""
    method = metadata.get("token_endpoint_auth_method")
    return method in SECRET_METHODS or needs_recoverable_secret(metadata)


def needs_recoverable_secret(metadata: Values) -> bool:
    """Tell whether the server must read the secret back: for HMAC or symmetric encryption."""
    if metadata.get("token_endpoint_auth_method") == "client_secret_jwt":
        return True
    return bool(secret_members(metadata))


def secret_octets(metadata: Values) -> int:
    """Return how many octets a secret has at least: as many as the MACs it keys (C-026).

    OpenID Connect Core §16.19. Symmetric encryption hashes the secret first and asks for none.
    """
    named = [metadata[name] for name in SIGNING_MEMBERS if name in metadata]
    named.append(metadata.get("token_endpoint_auth_signing_alg", "HS256"))
    return max((MAC_KEY_OCTETS[name] for name in named if name in MAC_KEY_OCTETS), default=32)
