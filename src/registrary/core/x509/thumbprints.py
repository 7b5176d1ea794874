"""What a certificate is told by, without reading it."""

import hashlib

from registrary.core.base64url import encode


def thumbprint(der: bytes) -> str:
    """Return ``x5t#S256`` of the certificate *der* (RFC 8705 §3.1)."""
    return encode(hashlib.sha256(der).digest())
