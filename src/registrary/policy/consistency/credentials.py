"""What the metadata of a client says about the credentials it needs."""

from collections.abc import Mapping
from typing import Any, Final

from registrary.core.metadata.offer import SECRET_METHODS
from registrary.core.uris import host_of
from registrary.policy.consistency.identity import is_symmetric_encryption

_SIGNING: Final = (
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "request_object_signing_alg",
    "introspection_signed_response_alg",
    "authorization_signed_response_alg",
)
_ENCRYPTION: Final = (
    "id_token_encrypted_response_alg",
    "userinfo_encrypted_response_alg",
    "request_object_encryption_alg",
    "introspection_encrypted_response_alg",
    "authorization_encrypted_response_alg",
)


def needs_secret(metadata: Mapping[str, Any]) -> bool:
    """Tell whether the client needs a ``client_secret`` at all (RFC 7591 §3.2.1)."""
    method = metadata.get("token_endpoint_auth_method")
    return method in SECRET_METHODS or needs_recoverable_secret(metadata)


def needs_recoverable_secret(metadata: Mapping[str, Any]) -> bool:
    """Tell whether the server must read the secret back: for HMAC or symmetric encryption."""
    if metadata.get("token_endpoint_auth_method") == "client_secret_jwt":
        return True
    if any((metadata.get(name) or "").startswith("HS") for name in _SIGNING):
        return True
    return any(is_symmetric_encryption(metadata.get(name) or "") for name in _ENCRYPTION)


def sector_host(metadata: Mapping[str, Any]) -> str | None:
    """Return the host that pairwise subjects are computed for (OpenID Connect Core §8.1)."""
    if metadata.get("subject_type") != "pairwise":
        return None
    named = metadata.get("sector_identifier_uri")
    if named:
        return host_of(named)
    hosts = {host_of(uri) for uri in metadata.get("redirect_uris") or ()}
    return hosts.pop() if len(hosts) == 1 else None
