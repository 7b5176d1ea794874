"""Public keys as the cryptographic library wants them."""

from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x448, x25519

from registrary.core.base64url import decode
from registrary.core.jwk.members import Jwk

PublicKey = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | x25519.X25519PublicKey
    | x448.X448PublicKey
)

_CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_CACHED: Final = 1024  # keys; one takes up to two kilobytes


def load_public_key(key: Jwk) -> PublicKey:
    """Return the library's object for *key*, which was checked before.

    The same members give the same object: what is remembered is a function of them alone.
    Raises ValueError when the library refuses the key all the same.
    """
    match key["kty"]:
        case "RSA":
            return _load_rsa(key["n"], key["e"])
        case "EC":
            return _load_ec(key["crv"], key["x"], key["y"])
        case _:
            return _load_okp(key["crv"], key["x"])


@lru_cache(maxsize=_CACHED)
def _load_rsa(n: str, e: str) -> rsa.RSAPublicKey:
    numbers = rsa.RSAPublicNumbers(e=_integer(e), n=_integer(n))
    return numbers.public_key()


@lru_cache(maxsize=_CACHED)
def _load_ec(crv: str, x: str, y: str) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicNumbers(_integer(x), _integer(y), _CURVES[crv]).public_key()


@lru_cache(maxsize=_CACHED)
def _load_okp(crv: str, x: str) -> PublicKey:
    octets = decode(x)
    match crv:
        case "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(octets)
        case "Ed448":
            return ed448.Ed448PublicKey.from_public_bytes(octets)
        case "X25519":
            return x25519.X25519PublicKey.from_public_bytes(octets)
        case _:
            return x448.X448PublicKey.from_public_bytes(octets)


def _integer(text: str) -> int:
    return int.from_bytes(decode(text), "big")
