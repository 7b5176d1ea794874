"""Sets of public keys: a registered one is judged whole, a fetched one key by key (C-008)."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from registrary.core.errors import FieldError
from registrary.core.jwk.certificates import check_certificates
from registrary.core.jwk.members import (
    ENCRYPTION_ALGORITHMS,
    SIGNATURE_ALGORITHMS,
    Jwk,
    check_public_key,
    purpose,
    refuse_private_members,
    shape,
)

MAX_KEYS: Final = 20  # of a registered set
MAX_FETCHED_KEYS: Final = 100  # looked at in a fetched set


def check_public_jwk_set(value: object) -> dict[str, Any]:  # Any: members are any JSON value
    """Return *value* if it is a JWK Set of public keys, every one of them usable.

    For ``jwks`` as registered (RFC 7591 §2, OpenID Connect Registration §2). Raises FieldError,
    which names the key by its position. Nothing is changed or left out, so what must stay with
    the client is refused beside the keys, too.
    """
    jwks, keys = _set_of(value)
    refuse_private_members(jwks)
    if not 1 <= len(keys) <= MAX_KEYS:
        raise FieldError(f"keys must hold 1 to {MAX_KEYS} keys")
    checked = [_check_at(position, key) for position, key in enumerate(keys)]
    _check_uses(checked)
    _check_key_ids(checked)
    return jwks


def usable_keys(value: object) -> dict[str, Any]:  # Any: members are any JSON value
    """Return the JWK Set *value* without the keys that cannot be used (RFC 7517 §5).

    For sets fetched from a ``jwks_uri``. A key that carries private or symmetric members is
    left out too: everybody has it. Raises FieldError only for what is no JWK Set at all.
    """
    _, keys = _set_of(value)
    return {"keys": [key for key in keys[:MAX_FETCHED_KEYS] if _is_usable(key)]}


def select_keys(jwks: Jwk, *, alg: str, kid: str | None, use: str = "sig") -> tuple[Jwk, ...]:
    """Return the keys of *jwks* that *alg* may be used with for *use*, in their order.

    *jwks* was checked by one of the functions above. With *kid* only keys of that very name;
    without, every key that fits: the caller tries them (OpenID Connect Core §10.1).
    """
    algorithms = SIGNATURE_ALGORITHMS if use == "sig" else ENCRYPTION_ALGORITHMS
    shapes = algorithms.get(alg, frozenset())
    return tuple(
        key
        for key in jwks["keys"]
        if (kid is None or key.get("kid") == kid)
        and shape(key) in shapes
        and purpose(key) == use
        and _algorithm_fits(key.get("alg"), alg)
    )


def _algorithm_fits(declared: str | None, alg: str) -> bool:
    # RFC 9864 §2.2: Ed25519 is the fully specified name of EdDSA with that curve.
    same = {"Ed25519", "EdDSA"}
    return declared is None or declared == alg or (declared in same and alg in same)


def _set_of(value: object) -> tuple[dict[str, Any], Sequence[object]]:  # Any: JSON values
    if not isinstance(value, dict):
        raise FieldError("must be an object")
    keys = value.get("keys")
    if not isinstance(keys, list):
        raise FieldError("keys must be an array of keys")
    return value, keys


def _check_at(position: int, key: object) -> Jwk:
    try:
        checked = check_public_key(key)
        check_certificates(checked)
    except FieldError as error:
        raise FieldError(f"keys[{position}]: {error.rule}") from error
    return checked


def _is_usable(key: object) -> bool:
    try:
        check_certificates(check_public_key(key))
    except FieldError:
        return False
    return True


def _check_uses(keys: Iterable[Jwk]) -> None:
    purposes = {purpose(key) for key in keys}
    if len(purposes) > 1 and not all("use" in key for key in keys):
        raise FieldError("use must be set on each key when signing and encryption keys are mixed")


def _check_key_ids(keys: Sequence[Jwk]) -> None:
    # RFC 7517 §4.5: the same kid may stand for equivalents of different types. A signature
    # names one key by kid and alg, so it is ambiguous only where both keys would fit.
    for position, key in enumerate(keys):
        for other in keys[:position]:
            if _is_confusable(key, other):
                raise FieldError(f"keys[{position}]: kid must not be that of another such key")


def _is_confusable(key: Jwk, other: Jwk) -> bool:
    return (
        "kid" in key
        and key["kid"] == other.get("kid")
        and shape(key) == shape(other)
        and purpose(key) == purpose(other)
        and _algorithm_fits(key.get("alg"), other.get("alg", key.get("alg")))
    )
