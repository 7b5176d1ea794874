"""The signature algorithms of RFC 7518 §3, RFC 8037 and RFC 9864 that are used here."""

import hmac
from collections.abc import Callable
from typing import Final, cast

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from registrary.core.base64url import encode
from registrary.core.jwk.objects import PublicKey
from registrary.core.secrets import Secret

SIGNING_ALGORITHMS: Final = ("ES256", "RS256", "PS256", "EdDSA")
MAC_KEY_OCTETS: Final = 32  # RFC 7518 §3.2 for HS256

_COORDINATE_OCTETS: Final = 32
# Built once: making these objects costs as much as some signatures.
_ECDSA_SHA256: Final = ec.ECDSA(SHA256())
_SHA256: Final = SHA256()
_PKCS1: Final = padding.PKCS1v15()
_PSS: Final = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)  # RFC 7518 §3.5


def canonical_algorithm(alg: str) -> str:
    """Return the one name used inside for *alg*: ``Ed25519`` (RFC 9864) is ``EdDSA`` here."""
    return "EdDSA" if alg == "Ed25519" else alg


class SigningHandle:
    """A key that is ready to sign: its algorithm, its name and what signs.

    *sign* takes the signing input and returns the signature as JWS spells it.
    """

    __slots__ = ("_headers", "alg", "kid", "sign")

    def __init__(self, *, alg: str, kid: str | None, sign: Callable[[bytes], bytes]) -> None:
        self.alg = alg
        self.kid = kid
        self.sign = sign
        self._headers: dict[str, str] = {}

    def header(self, typ: str) -> str:
        """Return the encoded protected header for tokens of type *typ*."""
        encoded = self._headers.get(typ)
        if encoded is None:
            members = {"alg": self.alg, "typ": typ}
            if self.kid is not None:
                members["kid"] = self.kid
            encoded = self._headers[typ] = encode(msgspec.json.encode(members))
        return encoded

    def __repr__(self) -> str:
        return f"SigningHandle(alg={self.alg!r}, kid={self.kid!r})"


def load_private_key(pkcs8: bytes, *, alg: str, kid: str | None) -> SigningHandle:
    """Return the handle of the private key *pkcs8* (DER, unencrypted).

    Raises ValueError when it is no key for *alg*, which is one of `SIGNING_ALGORITHMS`.
    """
    # Stored keys are our own and sealed; checking the primes again would cost 0.1 s per RSA key.
    key = load_der_private_key(pkcs8, password=None, unsafe_skip_rsa_key_validation=True)
    sign: Callable[[bytes], bytes]
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1":
        fits, sign = alg == "ES256", _es256(key)
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        fits, sign = alg == "EdDSA", key.sign
    elif isinstance(key, rsa.RSAPrivateKey):
        fits, sign = alg in ("RS256", "PS256"), _rsa(key, _PSS if alg == "PS256" else _PKCS1)
    else:
        raise ValueError("the private key is of a kind that signs nothing here")
    if not fits:
        raise ValueError("the private key does not suit its algorithm")
    return SigningHandle(alg=alg, kid=kid, sign=sign)


def mac_handle(secret: Secret) -> SigningHandle:
    """Return the handle that signs with HS256 under the octets of *secret*.

    Raises ValueError when those are fewer than 32 (RFC 7518 §3.2).
    """
    key = secret.reveal().encode()
    if len(key) < MAC_KEY_OCTETS:
        raise ValueError(f"a key for HS256 must have {MAC_KEY_OCTETS} octets or more")
    return SigningHandle(alg="HS256", kid=None, sign=lambda data: hmac.digest(key, data, "sha256"))


def is_mac(secret: Secret, signing_input: bytes, signature: bytes) -> bool:
    """Tell whether *signature* is the HS256 of *signing_input* under *secret*.

    False for a secret that is too short to be such a key.
    """
    key = secret.reveal().encode()
    expected = hmac.digest(key, signing_input, "sha256")
    return hmac.compare_digest(expected, signature) and len(key) >= MAC_KEY_OCTETS


def is_signature(alg: str, key: PublicKey, *, signing_input: bytes, signature: bytes) -> bool:
    """Tell whether *signature* is that of *signing_input* by *key* under the canonical *alg*.

    False also when *alg* is not used here or *key* is not for it.
    """
    verifier = _VERIFIERS.get(alg)
    if verifier is None or not isinstance(key, verifier[0]):
        return False
    try:
        verifier[1](key, signing_input, signature)
    except InvalidSignature:
        return False
    return True


def _es256(key: ec.EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    def sign(signing_input: bytes) -> bytes:
        return _raw_signature(key.sign(signing_input, _ECDSA_SHA256))

    return sign


def _rsa(key: rsa.RSAPrivateKey, scheme: padding.AsymmetricPadding) -> Callable[[bytes], bytes]:
    def sign(signing_input: bytes) -> bytes:
        return key.sign(signing_input, scheme, _SHA256)

    return sign


def _raw_signature(der: bytes) -> bytes:
    # RFC 7518 §3.4: r ‖ s, 32 octets each. The DER comes from our own library and is shorter
    # than 128 octets: 30 len 02 len r 02 len s, where r and s have up to one zero in front.
    r_end = 4 + der[3]
    r = der[4:r_end][-_COORDINATE_OCTETS:]
    s = der[r_end + 2 :][-_COORDINATE_OCTETS:]
    return r.rjust(_COORDINATE_OCTETS, b"\0") + s.rjust(_COORDINATE_OCTETS, b"\0")


def _verify_es256(key: PublicKey, signing_input: bytes, signature: bytes) -> None:
    public = cast("ec.EllipticCurvePublicKey", key)  # is_signature looked at the kind
    if len(signature) != 2 * _COORDINATE_OCTETS or public.curve.name != "secp256r1":
        raise InvalidSignature
    r = int.from_bytes(signature[:_COORDINATE_OCTETS], "big")
    s = int.from_bytes(signature[_COORDINATE_OCTETS:], "big")
    public.verify(encode_dss_signature(r, s), signing_input, _ECDSA_SHA256)


def _verify_rs256(key: PublicKey, signing_input: bytes, signature: bytes) -> None:
    public = cast("rsa.RSAPublicKey", key)  # is_signature looked at the kind
    public.verify(signature, signing_input, _PKCS1, _SHA256)


def _verify_ps256(key: PublicKey, signing_input: bytes, signature: bytes) -> None:
    public = cast("rsa.RSAPublicKey", key)  # is_signature looked at the kind
    public.verify(signature, signing_input, _PSS, _SHA256)


def _verify_eddsa(key: PublicKey, signing_input: bytes, signature: bytes) -> None:
    public = cast("ed25519.Ed25519PublicKey", key)  # is_signature looked at the kind
    public.verify(signature, signing_input)


_Verifier = Callable[[PublicKey, bytes, bytes], None]
_VERIFIERS: Final[dict[str, tuple[type, _Verifier]]] = {
    "ES256": (ec.EllipticCurvePublicKey, _verify_es256),
    "RS256": (rsa.RSAPublicKey, _verify_rs256),
    "PS256": (rsa.RSAPublicKey, _verify_ps256),
    "EdDSA": (ed25519.Ed25519PublicKey, _verify_eddsa),
}
