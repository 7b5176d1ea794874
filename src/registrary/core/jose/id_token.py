"""ID tokens: those of other providers, which prove who signed in, and our own as a hint.

OpenID Connect Core §3.1.3.7, and §3.1.2.1 for ``id_token_hint``.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from registrary.core.jose.claims import ClaimRules, Claims, audiences_of, moment
from registrary.core.jose.errors import JoseError
from registrary.core.jose.hashes import left_half_hash
from registrary.core.jose.jws import UnverifiedJws, parse_jws, verify_jws, verify_mac
from registrary.core.jose.jwt import parse_claims
from registrary.core.jwk.members import Jwk
from registrary.core.secrets import Secret

MAX_SUBJECT: Final = 255  # characters (§2)

# Providers give none, or JWT. Any other type marks a token made for something else.
_TYPES: Final[frozenset[str | None]] = frozenset({None, "jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokenRules:
    """What an ID token must say to sign somebody in at *client_id*.

    *nonce* is the one of the request. *trusted_audiences* may be named beside the client, who
    must then be ``azp``. With *max_age* the person must have proved itself that recently.
    *access_token* came with it and must be the one it was made with, where it says so.
    """

    issuer: str
    client_id: str
    algorithms: Collection[str]
    nonce: str
    trusted_audiences: frozenset[str] = frozenset()
    max_age: timedelta | None = None
    access_token: Secret | None = None
    leeway: timedelta = timedelta(seconds=60)


def verify_id_token(
    text: str, keys: Jwk | Sequence[Secret], rules: IdTokenRules, *, now: datetime
) -> Claims:
    """Return the claims of the ID token *text* if it keeps *rules* at *now*; raises `JoseError`.

    *keys* is the provider's JWK Set, or our secrets there for ``HS256``. The kind `UnknownKey`
    tells that a newer set might verify it.
    """
    jws = parse_jws(text)
    payload = _verified(jws, keys, rules.algorithms)
    kept = ClaimRules(types=_TYPES, issuer=rules.issuer, leeway=rules.leeway)
    claims = kept.check(parse_claims(payload), typ=jws.typ, now=now)
    members = claims.members
    if claims.issued_at is None:
        raise JoseError("iat is missing")
    _check_audience(members, rules)
    _check_subject(members)
    if not _is_text(members.get("nonce"), rules.nonce):
        raise JoseError("nonce is not that of the request")
    _check_age(members, rules, now)
    _check_hash(members, rules, jws.alg)
    return claims


def read_id_token_hint(
    text: str, keys: Jwk | Sequence[Secret], *, issuer: str, algorithms: Collection[str]
) -> Mapping[str, Any]:  # Any: claims are JSON values of every kind
    """Return the claims of an ID token that *issuer*, which is us, once made.

    That it has expired does not matter: it says who was signed in, and proves nothing more
    (OpenID Connect RP-Initiated Logout §2). Raises `JoseError`.
    """
    jws = parse_jws(text)
    members = parse_claims(_verified(jws, keys, algorithms))
    if jws.typ not in _TYPES or members.get("iss") != issuer:
        raise JoseError("the hint is no ID token of this issuer")
    # Signed UserInfo answers have the same type and issuer, and neither of these.
    if moment(members, "exp") is None or moment(members, "iat") is None:
        raise JoseError("the hint is no ID token of this issuer")
    _check_subject(members)
    return members


def _verified(
    jws: UnverifiedJws, keys: Jwk | Sequence[Secret], algorithms: Collection[str]
) -> bytes:
    if isinstance(keys, Sequence):
        return verify_mac(jws, keys, algorithms=algorithms)
    return verify_jws(jws, keys, algorithms=algorithms)


def _check_audience(members: Mapping[str, Any], rules: IdTokenRules) -> None:
    audiences = set(audiences_of(members))
    if rules.client_id not in audiences:
        raise JoseError("aud is not the client")
    others = audiences - {rules.client_id}
    if not others <= rules.trusted_audiences:
        raise JoseError("aud names somebody who is not trusted")
    azp = members.get("azp")
    if azp != rules.client_id and (others or azp is not None):
        raise JoseError("azp is not the client")


def _check_subject(members: Mapping[str, Any]) -> None:
    subject = members.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= MAX_SUBJECT:
        raise JoseError("sub is missing or cannot be one")


def _check_age(members: Mapping[str, Any], rules: IdTokenRules, now: datetime) -> None:
    authenticated_at = moment(members, "auth_time")
    if rules.max_age is None:
        return
    if authenticated_at is None:
        raise JoseError("auth_time is missing")
    if now - authenticated_at > rules.max_age + rules.leeway:
        raise JoseError("auth_time is too long ago")


def _check_hash(members: Mapping[str, Any], rules: IdTokenRules, alg: str) -> None:
    if rules.access_token is None or "at_hash" not in members:
        return
    expected = left_half_hash(rules.access_token.reveal(), alg=alg)
    if not _is_text(members["at_hash"], expected):
        raise JoseError("at_hash is not that of the access token")


def _is_text(value: object, expected: str) -> bool:
    if not isinstance(value, str):
        return False
    return hmac.compare_digest(
        value.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    )
