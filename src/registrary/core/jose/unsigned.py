"""JWTs without a signature (RFC 7519 §6), for the one rule set that must be able to make them."""

from collections.abc import Mapping
from typing import Final

import msgspec

from registrary.core.base64url import encode
from registrary.core.jose.jwt import wire_claims

_HEADER: Final = encode(msgspec.json.encode({"alg": "none", "typ": "JWT"}))


def unsigned_jwt(claims: Mapping[str, object]) -> str:
    """Return the JWT of *claims* with ``alg`` ``none``: anybody could have written it.

    Only for ID tokens of clients of an ``oidf-dynamic`` issuer that registered it, and only from
    the token endpoint, where TLS tells who speaks (OpenID Connect Core §2).
    """
    return f"{_HEADER}.{encode(wire_claims(claims))}."
