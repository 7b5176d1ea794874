"""One public key: its members, one by one and together (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from registrary.core.base64url import decode
from registrary.core.errors import FieldError
from registrary.core.jwk.curves import OCTET_CURVES, PRIME_CURVES

Jwk = Mapping[str, Any]  # Any: members are JSON values of many kinds (RFC 7517 §4)

# Whatever the key type, a key with one of these gives away what must stay with its owner:
# RSA and EC (RFC 7518 §6), symmetric keys (§6.4), OKP (RFC 8037 §2) and AKP (RFC 9964).
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})

MIN_RSA_BITS: Final = 2048  # RFC 7518 §3.3
MAX_RSA_BITS: Final = 8192  # a verification at this length costs about twenty of 2048 bits
MIN_RSA_EXPONENT: Final = 3  # RFC 8017 §3.1
MAX_RSA_EXPONENT_BITS: Final = 64  # longer ones only make each verification slow
MAX_TEXT: Final = 256  # characters of kid, alg and the like

_RSA: Final = frozenset({"RSA"})
_AGREEMENT: Final = frozenset({"P-256", "P-384", "P-521", "X25519", "X448"})

# What a key must be for an algorithm: its curve, or "RSA".
SIGNATURE_ALGORITHMS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), _RSA),
    "ES256": frozenset({"P-256"}),
    "ES384": frozenset({"P-384"}),
    "ES512": frozenset({"P-521"}),
    "EdDSA": frozenset({"Ed25519", "Ed448"}),
    "Ed25519": frozenset({"Ed25519"}),
    "Ed448": frozenset({"Ed448"}),
}
ENCRYPTION_ALGORITHMS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512"), _RSA),
    **dict.fromkeys(("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"), _AGREEMENT),
}
_ALGORITHMS: Final = {**SIGNATURE_ALGORITHMS, **ENCRYPTION_ALGORITHMS}

_SIGNATURE_OPERATIONS: Final = frozenset({"sign", "verify"})
_ENCRYPTION_OPERATIONS: Final = frozenset(
    {"encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits"}
)


def check_public_key(key: object) -> Jwk:
    """Return *key* if it is one public key, whole and consistent. Raises FieldError.

    The certificate of ``x5c`` is left to `check_certificates`.
    """
    if not isinstance(key, dict):
        raise FieldError("must be an object")
    refuse_private_members(key)
    _check_texts(key)
    kind = key.get("kty")
    check = _MATERIAL.get(kind) if isinstance(kind, str) else None
    if check is None:
        raise FieldError("kty must be RSA, EC or OKP")
    check(key)
    _check_purpose(key)
    return key


def refuse_private_members(key: Jwk) -> None:
    """Raise FieldError when *key* has a private or symmetric member, of whatever type it is."""
    if not PRIVATE_MEMBERS.isdisjoint(key):
        raise FieldError("must not have private or symmetric members")
    if key.get("kty") == "oct":
        raise FieldError("must not be a symmetric key")


def shape(key: Jwk) -> str:
    """Return what algorithms are judged by: the key's curve, or ``RSA``."""
    curve: str = key.get("crv", "RSA")
    return curve if key["kty"] != "RSA" else "RSA"


def purpose(key: Jwk) -> str:
    """Return ``sig`` or ``enc``: what *key* says it is for, signatures when it says nothing.

    ``use`` comes first, then ``alg``, ``key_ops`` and curves that can only agree on keys.
    """
    if "use" in key:
        use: str = key["use"]
        return use
    operations = key.get("key_ops", ())
    if (
        key.get("alg") in ENCRYPTION_ALGORITHMS
        or not _ENCRYPTION_OPERATIONS.isdisjoint(operations)
        or key.get("crv") in ("X25519", "X448")
    ):
        return "enc"
    return "sig"


def _check_texts(key: Jwk) -> None:
    for name in ("kid", "use", "alg", "crv", "x5u", "x5t", "x5t#S256"):
        value = key.get(name, "")
        if not isinstance(value, str):
            raise FieldError(f"{name} must be a string")
        if len(value) > MAX_TEXT and name != "x5u":
            raise FieldError(f"{name} must not be longer than {MAX_TEXT} characters")


def _octets(key: Jwk, name: str) -> bytes:
    value = key.get(name)
    if not isinstance(value, str):
        raise FieldError(f"{name} must be a string")
    try:
        return decode(value)
    except ValueError:
        raise FieldError(f"{name} must be base64url without padding") from None


def _check_rsa(key: Jwk) -> None:
    modulus = _natural(key, "n")
    exponent = _natural(key, "e")
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        raise FieldError(f"n must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    if modulus % 2 == 0 or exponent % 2 == 0:
        raise FieldError("n and e must be odd")
    if exponent < MIN_RSA_EXPONENT or exponent.bit_length() > MAX_RSA_EXPONENT_BITS:
        raise FieldError(f"e must be 3 or more and have {MAX_RSA_EXPONENT_BITS} bits at most")


def _natural(key: Jwk, name: str) -> int:
    octets = _octets(key, name)
    # RFC 7518 §2 Base64urlUInt: as few octets as it takes, and zero is one octet.
    if not octets or octets[0] == 0:
        raise FieldError(f"{name} must not be empty or begin with a zero octet")
    return int.from_bytes(octets, "big")


def _check_ec(key: Jwk) -> None:
    curve = PRIME_CURVES.get(key.get("crv", ""))
    if curve is None:
        raise FieldError("crv must be P-256, P-384 or P-521")
    x, y = _octets(key, "x"), _octets(key, "y")
    # RFC 7518 §6.2.1.2: leading zeros are kept.
    if len(x) != curve.octets or len(y) != curve.octets:
        raise FieldError(f"x and y must have {curve.octets} octets each on this curve")
    if not curve.has(int.from_bytes(x, "big"), int.from_bytes(y, "big")):
        raise FieldError("x and y must be a point of the curve")


def _check_okp(key: Jwk) -> None:
    curve = OCTET_CURVES.get(key.get("crv", ""))
    if curve is None:
        raise FieldError("crv must be Ed25519, Ed448, X25519 or X448")
    x = _octets(key, "x")
    if len(x) != curve.octets:
        raise FieldError(f"x must have {curve.octets} octets on this curve")
    if not curve.check(x):
        raise FieldError("x must be a usable point of the curve")


_MATERIAL: Final[dict[str, Callable[[Jwk], None]]] = {
    "RSA": _check_rsa,
    "EC": _check_ec,
    "OKP": _check_okp,
}


def _check_purpose(key: Jwk) -> None:
    use = key.get("use")
    if use not in (None, "sig", "enc"):
        raise FieldError("use must be sig or enc")
    alg = key.get("alg")
    if alg is not None:
        _check_algorithm(key, alg)
    operations = key.get("key_ops")
    if "key_ops" in key:
        _check_operations(operations)
    declared = {
        use,
        None if alg is None else ("sig" if alg in SIGNATURE_ALGORITHMS else "enc"),
        None if operations is None else _purpose_of_operations(operations),
    } - {None}
    if len(declared) > 1:
        raise FieldError("use, alg and key_ops must agree on signing or encrypting")


def _check_algorithm(key: Jwk, alg: str) -> None:
    shapes = _ALGORITHMS.get(alg)
    if shapes is None:
        raise FieldError("alg must be a known algorithm for asymmetric keys")
    if shape(key) not in shapes:
        raise FieldError("alg must suit the key's type and curve")


def _check_operations(operations: object) -> None:
    if not isinstance(operations, list) or not all(isinstance(op, str) for op in operations):
        raise FieldError("key_ops must be an array of strings")
    if not operations or len(set(operations)) != len(operations):  # RFC 7517 §4.3
        raise FieldError("key_ops must not be empty or repeat a value")


def _purpose_of_operations(operations: list[str]) -> str | None:
    signs = not _SIGNATURE_OPERATIONS.isdisjoint(operations)
    encrypts = not _ENCRYPTION_OPERATIONS.isdisjoint(operations)
    if signs and encrypts:
        # RFC 7517 §4.3 advises against one key for unrelated operations.
        raise FieldError("key_ops must not mix signing and encrypting")
    if signs or encrypts:
        return "sig" if signs else "enc"
    return None
