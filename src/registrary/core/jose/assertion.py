"""Client assertions: a client proves itself with a JWT (RFC 7523 §2.2, OpenID Connect Core §9)."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from registrary.core.base64url import encode
from registrary.core.jose.claims import ClaimRules, Claims
from registrary.core.jose.errors import JoseError, UnknownKey
from registrary.core.jose.jws import UnverifiedJws, parse_jws, verify_jws, verify_mac
from registrary.core.jose.jwt import parse_claims
from registrary.core.jwk.members import Jwk
from registrary.core.secrets import Secret

# How far away exp may be. It bounds how long a used assertion must be remembered.
MAX_ASSERTION_LIFETIME: Final = timedelta(hours=1)

# RFC 7523 demands no type. The last is the one its revision asks for; any other marks a token
# made for something else (RFC 8725 §3.11).
_TYPES: Final[frozenset[str | None]] = frozenset({None, "jwt", "client-authentication+jwt"})


class AssertionRefused(Exception):
    """A client assertion proves nothing. *detail* is for operators; clients get one text.

    *keys_may_be_old* tells that a newer set of the client's keys might verify it.
    """

    def __init__(self, detail: str, *, keys_may_be_old: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.keys_may_be_old = keys_may_be_old


@dataclass(frozen=True, slots=True)
class UnverifiedAssertion:
    """An assertion as sent. *client_id* is only who it claims to be, to look up its keys."""

    jws: UnverifiedJws
    members: dict[str, Any]  # Any: claims are JSON values of every kind
    client_id: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that proves its client. It is good once: see *digest*.

    *digest* stands for client and ``jti``; it must be remembered as spent until *expires_at*.
    """

    claims: Claims
    jti: str
    expires_at: datetime
    digest: str


def read_client_assertion(text: str) -> UnverifiedAssertion:
    """Return the assertion *text* before anything in it is proved.

    Raises `AssertionRefused` unless it is a JWT whose ``iss`` and ``sub`` are one client.
    """
    try:
        jws = parse_jws(text)
        members = parse_claims(jws.payload)
    except JoseError as error:
        raise AssertionRefused(error.rule) from error
    client_id = members.get("sub")
    if not isinstance(client_id, str) or not client_id or members.get("iss") != client_id:
        raise AssertionRefused("iss and sub are not one client")
    return UnverifiedAssertion(jws, members, client_id)


def verify_client_assertion(
    unverified: UnverifiedAssertion,
    *,
    client_id: str,
    keys: Jwk | Sequence[Secret],
    audiences: frozenset[str],
    algorithms: Collection[str],
    now: datetime,
) -> Assertion:
    """Return the assertion if it proves *client_id* to one of *audiences* at *now*.

    *keys* is the client's JWK Set for ``private_key_jwt``, or its secrets for
    ``client_secret_jwt``; *algorithms* are those registered or allowed for it. Raises
    `AssertionRefused`. Whether it was used before is the caller's to check.
    """
    jws = unverified.jws
    rules = ClaimRules(
        types=_TYPES,
        issuer=client_id,
        subject=client_id,
        audiences=audiences,
        max_lifetime=MAX_ASSERTION_LIFETIME,
        requires_jti=True,
    )
    try:
        if isinstance(keys, Sequence):
            verify_mac(jws, keys, algorithms=algorithms)
        else:
            verify_jws(jws, keys, algorithms=algorithms)
        claims = rules.check(unverified.members, typ=jws.typ, now=now)
    except JoseError as error:
        may_be_old = isinstance(error, UnknownKey)
        raise AssertionRefused(error.rule, keys_may_be_old=may_be_old) from error
    jti = claims.jti or ""  # requires_jti: never empty here
    return Assertion(claims, jti, claims.expires_at, _spent_digest(client_id, jti))


def _spent_digest(client_id: str, jti: str) -> str:
    # An array keeps the two apart, whatever characters they hold.
    return encode(hashlib.sha256(msgspec.json.encode([client_id, jti])).digest())
