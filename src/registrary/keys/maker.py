"""Making key pairs for issuers."""

import asyncio
import os
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from registrary.core.base64url import encode
from registrary.core.entropy import Draw
from registrary.core.jwk import thumbprint
from registrary.core.sealing import SEAL_DRAW_BYTES
from registrary.core.signing_key import KeyUse, NewKey, SigningKey, private_key_place
from registrary.keys.material import RandomBytes
from registrary.ports.keys import SecretKeys

RSA_BITS: Final = 2048
_RSA_EXPONENT: Final = 65537
_COORDINATE_OCTETS: Final = 32

_PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class LocalKeyMaker:
    """Makes key pairs in this process and seals the private half at once."""

    def __init__(self, keys: SecretKeys, *, random_bytes: RandomBytes = os.urandom) -> None:
        self._keys = keys
        self._random_bytes = random_bytes

    async def make(self, issuer: str, wanted: NewKey, *, now: datetime) -> SigningKey:
        """Return the record of a new key pair; nothing is stored yet.

        Raises ValueError for an algorithm that nothing signs with here.
        """
        private = await _generate(wanted.alg)
        public = public_members(private)
        kid = thumbprint(public)
        sealed = self._keys.sealer().seal(
            private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
            private_key_place(issuer, kid),
            Draw(self._random_bytes(SEAL_DRAW_BYTES)),
        )
        return SigningKey(
            issuer=issuer,
            kid=kid,
            use=wanted.use,
            alg=wanted.alg,
            state=wanted.state,
            public_jwk={**public, "kid": kid, "alg": wanted.alg, "use": _use(wanted)},
            sealed_private=sealed,
            created_at=now,
            activates_at=wanted.activates_at,
        )


async def _generate(alg: str) -> _PrivateKey:
    match alg:
        case "ES256" | "ECDH-ES":
            return ec.generate_private_key(ec.SECP256R1())
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
        case "RS256" | "PS256":
            # It takes a tenth of a second and more, and other requests go on meanwhile.
            return await asyncio.to_thread(rsa.generate_private_key, _RSA_EXPONENT, RSA_BITS)
        case _:
            raise ValueError("no key can be made for this algorithm")


def _use(wanted: NewKey) -> str:
    return "enc" if wanted.use is KeyUse.ENCRYPTION else "sig"


def public_members(private: _PrivateKey) -> dict[str, Any]:  # Any: members of a JWK
    """Return the public half of *private* as the required members of a JWK."""
    public = private.public_key()
    match public:
        case ec.EllipticCurvePublicKey():
            numbers = public.public_numbers()
            x, y = _coordinate(numbers.x), _coordinate(numbers.y)
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        case rsa.RSAPublicKey():
            modulus, exponent = public.public_numbers().n, public.public_numbers().e
            return {"kty": "RSA", "n": _natural(modulus), "e": _natural(exponent)}
        case _:
            return {"kty": "OKP", "crv": "Ed25519", "x": encode(public.public_bytes_raw())}


def _coordinate(number: int) -> str:
    return encode(number.to_bytes(_COORDINATE_OCTETS, "big"))


def _natural(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))
