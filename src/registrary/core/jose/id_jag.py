"""ID-JAG: an identity provider lets a client in at another server, for one person.

Identity Assertion JWT Authorization Grant (draft 04), which MCP calls enterprise-managed
authorization; presented as RFC 7523 §2.1 has it.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from registrary.core.base64url import encode
from registrary.core.jose.claims import ClaimRules, Claims
from registrary.core.jose.errors import JoseError
from registrary.core.jose.jws import UnverifiedJws, parse_jws, verify_jws
from registrary.core.jose.jwt import parse_claims
from registrary.core.jwk.members import Jwk

ID_JAG_TYPE: Final = "oauth-id-jag+jwt"
# How far away exp may be. It bounds how long a used one must be remembered.
MAX_LIFETIME: Final = timedelta(hours=1)
MAX_SUBJECT: Final = 255  # characters


@dataclass(frozen=True, slots=True)
class UnverifiedIdJag:
    """An ID-JAG as sent. *issuer* is only whom it claims to be from, to look up the keys."""

    jws: UnverifiedJws
    members: dict[str, Any]  # Any: claims are JSON values of every kind
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdJagRules:
    """What an ID-JAG must say: who made it, for this server and the client that presents it."""

    issuer: str
    audience: str
    client_id: str
    algorithms: Collection[str]


@dataclass(frozen=True, slots=True)
class IdJag:
    """An ID-JAG that holds, for *subject* as its issuer names that person.

    It is good once: *digest* stands for issuer and ``jti`` and must be remembered as spent
    until *expires_at*. ``resource`` and ``scope`` are among the claims, unjudged.
    """

    claims: Claims
    subject: str
    digest: str

    @property
    def expires_at(self) -> datetime:
        """Return when it is no longer good."""
        return self.claims.expires_at


def read_id_jag(text: str) -> UnverifiedIdJag:
    """Return the ID-JAG *text* before anything in it is proved; raises `JoseError`."""
    jws = parse_jws(text)
    if jws.typ != ID_JAG_TYPE:
        raise JoseError("typ is not that of such a token")
    members = parse_claims(jws.payload)
    issuer = members.get("iss")
    if not isinstance(issuer, str):
        raise JoseError("iss is missing or no string")
    return UnverifiedIdJag(jws, members, issuer)


def verify_id_jag(
    unverified: UnverifiedIdJag, jwks: Jwk, rules: IdJagRules, *, now: datetime
) -> IdJag:
    """Return the ID-JAG if it keeps *rules* at *now*; raises `JoseError`.

    *jwks* are the keys of the issuer named in *rules*. The kind `UnknownKey` tells that a newer
    set might verify it. Whether it was used before is the caller's to check.
    """
    verify_jws(unverified.jws, jwks, algorithms=rules.algorithms)
    kept = ClaimRules(
        types=frozenset({ID_JAG_TYPE}),
        issuer=rules.issuer,
        audiences=frozenset({rules.audience}),
        max_lifetime=MAX_LIFETIME,
        requires_jti=True,
    )
    claims = kept.check(unverified.members, typ=unverified.jws.typ, now=now)
    if claims.issued_at is None:
        raise JoseError("iat is missing")
    if claims.members.get("client_id") != rules.client_id:
        raise JoseError("client_id is not the client")
    subject = claims.members.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= MAX_SUBJECT:
        raise JoseError("sub is missing or cannot be one")
    # An array keeps the two apart, whatever characters they hold.
    spent = msgspec.json.encode([rules.issuer, claims.jti])
    return IdJag(claims, subject, encode(hashlib.sha256(spent).digest()))
