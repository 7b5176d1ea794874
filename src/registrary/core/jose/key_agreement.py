"""ECDH-ES: a key to agree on with whoever holds a private key (RFC 7518 §4.6, RFC 8037 §3)."""

from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from registrary.core.base64url import encode
from registrary.core.entropy import Draw
from registrary.core.jwk.curves import OCTET_CURVES, PRIME_CURVES
from registrary.core.jwk.objects import PublicKey

AGREEMENT_DRAW_BYTES: Final = 74  # of randomness that one `agree` takes at most: P-521

AgreementKey = ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey | x448.X448PrivateKey

_SURPLUS: Final = 8  # octets: makes the remainder of a division as good as uniform
_NAMES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def curve_of(key: object) -> str | None:
    """Return the JWK name of the curve of *key*, None when no key is agreed on with it."""
    match key:
        case ec.EllipticCurvePublicKey() | ec.EllipticCurvePrivateKey():
            return _NAMES.get(key.curve.name)
        case x25519.X25519PublicKey() | x25519.X25519PrivateKey():
            return "X25519"
        case x448.X448PublicKey() | x448.X448PrivateKey():
            return "X448"
        case _:
            return None


def ephemeral_key(recipient: PublicKey, draw: Draw) -> AgreementKey:
    """Return a private key for one message to *recipient*, on the same curve.

    Takes up to `AGREEMENT_DRAW_BYTES` from *draw*. Raises ValueError for another kind of key.
    """
    match recipient:
        case ec.EllipticCurvePublicKey():
            return ec.derive_private_key(_scalar(recipient.curve, draw), recipient.curve)
        case x25519.X25519PublicKey():
            drawn = draw.take(OCTET_CURVES["X25519"].octets)
            return x25519.X25519PrivateKey.from_private_bytes(drawn)
        case x448.X448PublicKey():
            drawn = draw.take(OCTET_CURVES["X448"].octets)
            return x448.X448PrivateKey.from_private_bytes(drawn)
        case _:
            raise ValueError("no key can be agreed on with this key")


def shared_secret(private: AgreementKey, public: PublicKey) -> bytes:
    """Return what both sides agree on; raises ValueError when the keys do not fit."""
    match private, public:
        case ec.EllipticCurvePrivateKey(), ec.EllipticCurvePublicKey():
            return private.exchange(ec.ECDH(), public)
        case x25519.X25519PrivateKey(), x25519.X25519PublicKey():
            return private.exchange(public)
        case x448.X448PrivateKey(), x448.X448PublicKey():
            return private.exchange(public)
        case _:
            raise ValueError("the keys are on different curves")


@dataclass(frozen=True, slots=True)
class Parties:
    """What a header says of both sides, bound into the key (``apu``, ``apv``); mostly nothing."""

    producer: bytes = b""
    recipient: bytes = b""


def derived_key(secret: bytes, *, algorithm: str, octets: int, parties: Parties) -> bytes:
    """Return the key of *octets* that *secret* stands for (RFC 7518 §4.6.2).

    *algorithm* is ``enc`` for direct agreement, else ``alg``.
    """
    named = (algorithm.encode(), parties.producer, parties.recipient)
    otherinfo = b"".join(map(_sized, named)) + (8 * octets).to_bytes(4, "big")
    return ConcatKDFHash(SHA256(), length=octets, otherinfo=otherinfo).derive(secret)


def agreement_jwk(private: AgreementKey) -> dict[str, Any]:  # Any: members of a JWK
    """Return the public half of *private* as ``epk`` has it."""
    curve = curve_of(private) or ""
    match private:
        case ec.EllipticCurvePrivateKey():
            numbers = private.public_key().public_numbers()
            octets = PRIME_CURVES[curve].octets
            x, y = (encode(number.to_bytes(octets, "big")) for number in (numbers.x, numbers.y))
            return {"kty": "EC", "crv": curve, "x": x, "y": y}
        case _:
            return {
                "kty": "OKP",
                "crv": curve,
                "x": encode(private.public_key().public_bytes_raw()),
            }


def _scalar(curve: ec.EllipticCurve, draw: Draw) -> int:
    # FIPS 186-4 §B.4.1: more bits than needed, then the remainder.
    drawn = draw.take((curve.key_size + 7) // 8 + _SURPLUS)
    return int.from_bytes(drawn, "big") % (curve.group_order - 1) + 1


def _sized(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text
