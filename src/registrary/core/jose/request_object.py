"""Request objects: an authorization request in a JWT (RFC 9101, OpenID Connect Core §6).

What one says counts instead of the parameters beside it, so it must be the client's own word,
meant for this server, and about nothing but an authorization.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from registrary.core.jose.claims import audiences_of, check_period
from registrary.core.jose.errors import JoseError
from registrary.core.jose.jws import UnverifiedJws, parse_jws, verify_jws, verify_mac
from registrary.core.jose.jwt import parse_claims
from registrary.core.jwk.members import Jwk
from registrary.core.secrets import Secret

NONE: Final = "none"
MAX_PARAMETERS: Final = 100  # as in a query

# RFC 9101 §10.8: any other type marks a token made for something else.
_TYPES: Final[frozenset[str | None]] = frozenset({None, "jwt", "oauth-authz-req+jwt"})
# Claims of the token itself (RFC 9101 §4); every other one is a parameter.
_OF_THE_TOKEN: Final = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})
_NESTED: Final = ("request", "request_uri")
_LISTS: Final = frozenset({"resource", "audience"})  # RFC 8707 §2.1: several values, an array
_LEEWAY: Final = timedelta(seconds=60)  # for a client's clock that runs ahead


@dataclass(frozen=True, slots=True)
class UnverifiedRequestObject:
    """A request object as sent. Nothing in it is proved, not even whose it is."""

    jws: UnverifiedJws
    members: Mapping[str, Any]  # Any: claims are JSON values of every kind

    @property
    def is_signed(self) -> bool:
        """Tell whether it has a signature at all, good or bad."""
        return self.jws.alg != NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestObject:
    """A request object that counts. *parameters* are its claims, spelt as in a query.

    Only ``resource`` and ``audience`` can have several values; null and empty read as omitted.
    An unsigned one proves nothing about who wrote it.
    """

    parameters: Mapping[str, tuple[str, ...]]
    is_signed: bool
    jti: str | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestObjectRules:
    """What a request object must keep: who wrote it, for whom, and with which algorithms.

    *keys* is the client's JWK Set, or its secrets for ``HS256``. *algorithms* is the one that
    the client registered, or what the issuer offers; an unsigned one is taken only when
    ``none`` is among them.
    """

    issuer: str
    client_id: str
    keys: Jwk | Sequence[Secret]
    algorithms: Collection[str]


def read_request_object(text: str) -> UnverifiedRequestObject:
    """Return the request object *text* before anything in it is proved; raises `JoseError`.

    An encrypted one has to be decrypted first.
    """
    jws = parse_jws(text)
    return UnverifiedRequestObject(jws, parse_claims(jws.payload))


def verify_request_object(
    unverified: UnverifiedRequestObject, rules: RequestObjectRules, *, now: datetime
) -> RequestObject:
    """Return the request object if it keeps *rules* at *now*; raises `JoseError`.

    Its kind `UnknownKey` tells that a newer set of the client's keys might verify it. That the
    ``client_id`` beside it is the same one is for the caller (RFC 9101 §5).
    """
    _check_signature(unverified.jws, rules)
    members = unverified.members
    if unverified.jws.typ not in _TYPES:
        raise JoseError("typ is not that of a request object")
    _check_parties(members, rules, is_signed=unverified.is_signed)
    _, expires_at = check_period(members, now=now, leeway=_LEEWAY)
    jti = members.get("jti")
    if jti is not None and not isinstance(jti, str):
        raise JoseError("jti is no string")
    return RequestObject(
        parameters=_parameters(members),
        is_signed=unverified.is_signed,
        jti=jti,
        expires_at=expires_at,
    )


def _check_signature(jws: UnverifiedJws, rules: RequestObjectRules) -> None:
    if jws.alg == NONE:
        if NONE not in rules.algorithms:
            raise JoseError("the request object must be signed")
        if jws.signature:
            raise JoseError("an unsigned request object has a signature")
    elif isinstance(rules.keys, Sequence):
        verify_mac(jws, rules.keys, algorithms=rules.algorithms)
    else:
        verify_jws(jws, rules.keys, algorithms=rules.algorithms)


def _check_parties(
    members: Mapping[str, Any], rules: RequestObjectRules, *, is_signed: bool
) -> None:
    for name in ("iss", "client_id"):
        if members.get(name, rules.client_id) != rules.client_id:
            raise JoseError(f"{name} is not the client")
    # §10.8: with sub as the client it would be a client assertion, to somebody else perhaps.
    if members.get("sub") == rules.client_id:
        raise JoseError("sub is the client, as in an assertion")
    # §4 only recommends aud; without it what was signed for one server is good at any other.
    if (is_signed or "aud" in members) and rules.issuer not in audiences_of(members):
        raise JoseError("aud is not this server")


def _parameters(members: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    for name in _NESTED:
        if name in members:  # §4
            raise JoseError(f"{name} must not be inside a request object")
    if len(members) > MAX_PARAMETERS:
        raise JoseError("there are too many parameters")
    spelt = {
        name: _values(name, value) for name, value in members.items() if name not in _OF_THE_TOKEN
    }
    return {name: values for name, values in spelt.items() if values}


def _values(name: str, value: object) -> tuple[str, ...]:
    several = value if name in _LISTS and isinstance(value, list) else [value]
    if several is value and not all(isinstance(one, str) for one in several):
        raise JoseError(f"{name} must hold strings")
    return tuple(filter(None, map(_spelt, several)))


def _spelt(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case _:  # §4: numbers and booleans as JSON spells them; objects as JSON text
            return msgspec.json.encode(value).decode()
