"""JWTs in their signed compact form (RFC 7519)."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from registrary.core.base64url import encode
from registrary.core.jose.algorithms import SigningHandle
from registrary.core.jose.claims import ClaimRules, Claims, numeric_date
from registrary.core.jose.errors import JoseError
from registrary.core.jose.jws import parse_jws, verify_jws
from registrary.core.jwk.members import Jwk
from registrary.core.strict_json import JsonError, parse_object


def sign_jwt(claims: Mapping[str, object], handle: SigningHandle, *, typ: str = "JWT") -> str:
    """Return the JWT of *claims*, signed by *handle*, with ``typ`` in its header.

    A claim that is a datetime becomes whole seconds. The header has ``alg``, ``typ`` and
    ``kid``, and nothing else.
    """
    signing_input = f"{handle.header(typ)}.{encode(wire_claims(claims))}"
    return f"{signing_input}.{encode(handle.sign(signing_input.encode('ascii')))}"


def wire_claims(claims: Mapping[str, object]) -> bytes:
    """Return the payload that *claims* make; a datetime becomes whole seconds."""
    wire = {
        name: numeric_date(value) if isinstance(value, datetime) else value
        for name, value in claims.items()
    }
    return msgspec.json.encode(wire)


def verify_jwt(
    text: str, jwks: Jwk, *, algorithms: Collection[str], rules: ClaimRules, now: datetime
) -> Claims:
    """Return the claims of *text* if a key of *jwks* signed it and it keeps *rules* at *now*.

    Raises `JoseError` otherwise. *algorithms* are those that may be used for this purpose.
    """
    jws = parse_jws(text)
    payload = verify_jws(jws, jwks, algorithms=algorithms)
    return rules.check(parse_claims(payload), typ=jws.typ, now=now)


def parse_claims(payload: bytes) -> dict[str, Any]:  # Any: claims are JSON values of every kind
    """Return the claims *payload* spells; raises `JoseError` unless it is one strict object."""
    try:
        return parse_object(payload)
    except JsonError:
        raise JoseError("the payload is not an object") from None
