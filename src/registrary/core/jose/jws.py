"""Compact JWS (RFC 7515 §7.1): taken apart, and verified with keys the caller trusts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from registrary.core.base64url import decode
from registrary.core.jose.algorithms import canonical_algorithm, is_mac, is_signature
from registrary.core.jose.errors import JoseError, UnknownKey
from registrary.core.jwk import select_keys
from registrary.core.jwk.members import Jwk
from registrary.core.jwk.objects import load_public_key
from registrary.core.secrets import Secret
from registrary.core.strict_json import JsonError, parse_object

MAX_TOKEN_CHARACTERS: Final = 16_384
MAX_HEADER_CHARACTERS: Final = 4_096
MAX_CANDIDATES: Final = 4  # keys tried for a signature that does not name its key


@dataclass(frozen=True, slots=True)
class UnverifiedJws:
    """A token taken apart. Nothing in it is proved yet, the header least of all.

    *alg* is canonical. ``jwk``, ``jku``, ``x5c`` and ``x5u`` of the header are not even read:
    a key named by the token proves nothing (RFC 8725 §2.7, §3.10). *typ* is lower-cased, without
    ``application/`` (RFC 7515 §4.1.9), None when absent.
    """

    alg: str
    kid: str | None
    typ: str | None
    payload: bytes
    signing_input: bytes
    signature: bytes


def parse_jws(text: str) -> UnverifiedJws:
    """Return *text* taken apart; raises `JoseError` unless it is a compact JWS.

    Extensions that must be understood (``crit``) and unencoded payloads (``b64``) are refused.
    """
    if len(text) > MAX_TOKEN_CHARACTERS:
        raise JoseError("the token is too long")
    parts = text.split(".")
    if len(parts) != 3:  # noqa: PLR2004  header, payload, signature
        raise JoseError("the token is not three parts")
    header, payload, signature = parts
    members = _known_members(header)
    try:
        return UnverifiedJws(
            alg=canonical_algorithm(members["alg"]),
            kid=members.get("kid"),
            typ=_media_type(members.get("typ")),
            payload=decode(payload),
            signing_input=text[: -len(signature) - 1].encode("ascii"),
            signature=decode(signature),
        )
    except ValueError:
        raise JoseError("the token is not base64url") from None


def verify_jws(jws: UnverifiedJws, jwks: Jwk, *, algorithms: Collection[str]) -> bytes:
    """Return the payload if a key of the set *jwks* made the signature.

    Raises `JoseError` when the algorithm is not among *algorithms*, and its kind `UnknownKey`
    when no key of the set verifies. HMAC keys are never in a set: see `verify_mac`.
    """
    _check_algorithm(jws, algorithms)
    candidates = select_keys(jwks, alg=jws.alg, kid=jws.kid)
    for key in candidates[:MAX_CANDIDATES]:
        public = load_public_key(key)
        if is_signature(jws.alg, public, signing_input=jws.signing_input, signature=jws.signature):
            return jws.payload
    raise UnknownKey("no key at hand made the signature")


def verify_mac(
    jws: UnverifiedJws, secrets: Sequence[Secret], *, algorithms: Collection[str]
) -> bytes:
    """Return the payload if it was signed with HS256 under one of *secrets*.

    Raises `JoseError` when the algorithm is another or not among *algorithms*, or when no
    secret fits. Public keys are never secrets: see `verify_jws`.
    """
    _check_algorithm(jws, algorithms)
    if jws.alg != "HS256":
        raise JoseError("the algorithm does not suit a secret")
    for secret in secrets:
        if is_mac(secret, jws.signing_input, jws.signature):
            return jws.payload
    raise JoseError("no secret at hand made the signature")


def _check_algorithm(jws: UnverifiedJws, algorithms: Collection[str]) -> None:
    if jws.alg not in {canonical_algorithm(alg) for alg in algorithms}:
        raise JoseError("the algorithm is not one that may be used here")


def parse_header(header: str) -> dict[str, Any]:  # Any: members are JSON values of every kind
    """Return the members of an encoded *header*; raises `JoseError` unless it can be understood.

    For tokens whose header says more than `UnverifiedJws` tells: nothing in it is proved.
    """
    if len(header) > MAX_HEADER_CHARACTERS:
        raise JoseError("the header is too long")
    try:
        members = parse_object(decode(header))
    except (JsonError, ValueError):
        raise JoseError("the header is not an object in base64url") from None
    # RFC 7515 §4.1.11: no extension is understood here. RFC 7797 §6 demands crit for b64, but
    # a reader that only looks at b64 would see another payload than we do.
    if "crit" in members or "b64" in members:
        raise JoseError("the header demands what is not understood here")
    return members


def _known_members(header: str) -> dict[str, str]:
    members = parse_header(header)
    known: dict[str, str] = {
        name: members[name] for name in ("alg", "kid", "typ") if name in members
    }
    if "alg" not in known or not all(isinstance(value, str) for value in known.values()):
        raise JoseError("the header has no usable alg, kid or typ")
    return known


def _media_type(typ: str | None) -> str | None:
    return None if typ is None else typ.lower().removeprefix("application/")
