"""Client assertions of callers, signed with their secrets (RFC 7523, HS256)."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Final

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME_SECONDS: Final = 120


def assertion_of(client_id: str, secret: str, *, audience: str) -> str:
    """Return a new assertion, to be used once."""
    now = int(time.time())
    claims: dict[str, str | int] = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "jti": secrets.token_hex(16),
    }
    signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    signature = hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
    return f"{signed}.{_base64url(signature)}"


def _encoded(members: dict[str, str | int]) -> str:
    return _base64url(json.dumps(members).encode())


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
