"""Proofs of possession (RFC 9449): who sends the request holds the key that the proof names.

The one token whose key is taken from its own header: the thumbprint of that key is all that a
proof proves, and access tokens are bound to it.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from registrary.core.base64url import encode
from registrary.core.errors import FieldError
from registrary.core.jose.claims import check_period, moment
from registrary.core.jose.errors import JoseError
from registrary.core.jose.htu import is_address
from registrary.core.jose.jws import UnverifiedJws, parse_header, parse_jws, verify_jws
from registrary.core.jose.jwt import parse_claims
from registrary.core.jose.nonces import Nonces
from registrary.core.jwk import thumbprint
from registrary.core.jwk.members import SIGNATURE_ALGORITHMS, Jwk, check_public_key
from registrary.core.secrets import Secret

PROOF_TYPE: Final = "dpop+jwt"
# Either way: clocks of desktops are off by minutes, and a proof is good once.
MAX_CLOCK_DIFFERENCE: Final = timedelta(minutes=5)
MAX_IDENTIFIER: Final = 512  # characters of jti


class InvalidDpopProof(JoseError):
    """The proof proves nothing: ``invalid_dpop_proof`` (RFC 9449 §5, §7.1)."""


class UseDpopNonce(JoseError):
    """A good proof but for its nonce: ``use_dpop_nonce``, and a fresh one (RFC 9449 §8, §9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenRequest:
    """The request that a proof must be about, as the server knows it.

    *uri* is the address of the endpoint by our own reckoning, never by the ``Host`` header.
    *access_token* is the one presented with the proof, where there is one.
    """

    method: str
    uri: str
    access_token: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DpopProof:
    """A proof that holds. *thumbprint* is ``jkt`` (RFC 7638); tokens are bound to it.

    A proof is good once: *digest* stands for key, request and ``jti`` and must be remembered
    as spent until *expires_at*. *nonce* is the proof's own, None when it has none.
    """

    thumbprint: str
    jti: str
    digest: str
    nonce: str | None
    expires_at: datetime


def read_dpop_proof(
    text: str,
    request: ProvenRequest,
    *,
    algorithms: Collection[str],
    nonces: Nonces | None = None,
    now: datetime,
) -> DpopProof:
    """Return the proof *text* if it holds for *request* at *now* (RFC 9449 §4.3).

    *nonces* given means that one of them is demanded. Raises `InvalidDpopProof`, or
    `UseDpopNonce` when all is well but the nonce. That the header came once, and that the proof
    was not used before, is for the caller.
    """
    try:
        jws = parse_jws(text)
        key = _proven_key(text, jws, algorithms)
        members = parse_claims(jws.payload)
        _check_request(members, request)
        jti = _text(members, "jti")
        issued_at = _check_time(members, now)
    except JoseError as error:
        raise InvalidDpopProof(error.rule) from error
    jkt = thumbprint(key)
    return DpopProof(
        thumbprint=jkt,
        jti=jti,
        digest=_spent_digest(jkt, request, jti),
        nonce=_check_nonce(members, nonces, now),
        expires_at=issued_at + MAX_CLOCK_DIFFERENCE,
    )


def _proven_key(text: str, jws: UnverifiedJws, algorithms: Collection[str]) -> Jwk:
    if jws.typ != PROOF_TYPE:
        raise JoseError("typ is not dpop+jwt")
    if jws.alg not in SIGNATURE_ALGORITHMS:
        raise JoseError("the algorithm is not asymmetric")
    try:
        key = check_public_key(parse_header(text.partition(".")[0]).get("jwk"))
    except FieldError as error:
        raise JoseError(f"jwk: {error.rule}") from error
    # A kid would name the one key there is; it decides nothing.
    verify_jws(replace(jws, kid=None), {"keys": [key]}, algorithms=algorithms)
    return key


def _check_request(members: Mapping[str, Any], request: ProvenRequest) -> None:
    if members.get("htm") != request.method:
        raise JoseError("htm is not the method of the request")
    if not is_address(_text(members, "htu", limit=None), request.uri):
        raise JoseError("htu is not the address of the request")
    if request.access_token is None:
        return
    token = request.access_token.reveal().encode("utf-8", "surrogatepass")
    expected = encode(hashlib.sha256(token).digest())
    given = _text(members, "ath").encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(expected.encode(), given):
        raise JoseError("ath is not the hash of the access token")


def _check_time(members: Mapping[str, Any], now: datetime) -> datetime:
    check_period(members, now=now, leeway=MAX_CLOCK_DIFFERENCE)
    issued_at = moment(members, "iat")
    if issued_at is None:
        raise JoseError("iat is missing")
    if issued_at < now - MAX_CLOCK_DIFFERENCE:
        raise JoseError("iat is too long ago")
    return issued_at


def _check_nonce(members: Mapping[str, Any], nonces: Nonces | None, now: datetime) -> str | None:
    nonce = members.get("nonce")
    if nonce is not None and not isinstance(nonce, str):
        raise InvalidDpopProof("nonce is no string")
    if nonces is not None and (nonce is None or not nonces.takes(nonce, now)):
        raise UseDpopNonce("nonce is not one that was handed out lately")
    return nonce


def _text(members: Mapping[str, Any], name: str, *, limit: int | None = MAX_IDENTIFIER) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise JoseError(f"{name} is missing or no string")
    if limit is not None and len(value) > limit:
        raise JoseError(f"{name} is too long")
    return value


def _spent_digest(jkt: str, request: ProvenRequest, jti: str) -> str:
    # §11.1: a jti is unique for the address it was used at. An array keeps the parts apart.
    parts = [jkt, request.method, request.uri, jti]
    return encode(hashlib.sha256(msgspec.json.encode(parts)).digest())
