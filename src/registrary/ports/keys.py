"""Keys of the server, as use cases ask for them: what signs, what seals, what digests."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from registrary.core.sealing import Place, Sealer, UnsealError
from registrary.core.secrets import PepperRing
from registrary.core.signing_key import KeyUse, NewKey, SigningKey

__all__ = [
    "Decrypter",
    "KeyMaker",
    "NoSigningKey",
    "Place",
    "Sealer",
    "SecretKeys",
    "Signature",
    "Signer",
    "UnsealError",
]


class NoSigningKey(Exception):
    """The issuer has no key in use for this algorithm: not made yet, or withdrawn.

    An outage for whoever asked (503); the rotation job makes the key.
    """

    def __init__(self, issuer: str, alg: str) -> None:
        super().__init__(f"issuer {issuer} has no {alg} key in use")
        self.issuer = issuer
        self.alg = alg


class SecretKeys(Protocol):
    """The keys that guard stored secrets. Both answers may be kept for one decision only."""

    def peppers(self) -> PepperRing:
        """Return the peppers as they are now."""
        ...

    def sealer(self) -> Sealer:
        """Return what seals and unseals now."""
        ...


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as JWS spells it, and the key that made it."""

    kid: str
    alg: str
    octets: bytes


class Signer(Protocol):
    """Signs with the issuers' keys, wherever they are, and knows their public halves.

    A rotation by another process is followed within a second.
    """

    async def sign_jwt(
        self, issuer: str, claims: Mapping[str, object], *, alg: str, typ: str
    ) -> str:
        """Return the JWT of *claims* by the key in use for *alg*.

        A claim that is a datetime becomes whole seconds. Raises `NoSigningKey`.
        """
        ...

    async def sign(self, issuer: str, message: bytes, *, use: KeyUse, alg: str) -> Signature:
        """Return the signature of *message* by the key in use. Raises `NoSigningKey`."""
        ...

    # Any: members of a JWK (RFC 7517 §4)
    async def public_jwks(self, issuer: str, *, use: KeyUse = KeyUse.TOKEN) -> dict[str, Any]:
        """Return the JWK Set others verify with; for tokens it is what ``/jwks`` shows."""
        ...

    def forget(self, issuer: str) -> None:
        """Read the issuer's keys anew at the next call; for whoever just changed them."""
        ...


class Decrypter(Protocol):
    """Opens what others encrypted to the issuers' keys, wherever they are."""

    async def decrypt_jwt(
        self, issuer: str, text: str, *, algorithms: Collection[str], encodings: Collection[str]
    ) -> str:
        """Return the JWT inside *text*, still to be verified. Raises `JoseError`."""
        ...


class KeyMaker(Protocol):
    """Makes key pairs, the private half sealed."""

    async def make(self, issuer: str, wanted: NewKey, *, now: datetime) -> SigningKey:
        """Return the record of a new key pair; nothing is stored yet."""
        ...
