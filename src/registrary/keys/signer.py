"""Signing in this process with keys that the store keeps sealed."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from registrary.core.jose import SigningHandle, load_private_key, sign_jwt
from registrary.core.jose.jwe import DecryptionKey, decrypt_jwt, load_decryption_key
from registrary.core.signing_key import (
    KeyUse,
    SigningKey,
    active_key,
    opening_keys,
    published_keys,
)
from registrary.ports.keys import NoSigningKey, SecretKeys, Signature
from registrary.ports.store import PageOf

REFRESH_INTERVAL_SECONDS: Final = 1.0  # between two reads of an issuer's keys
MAX_KEYS: Final = 1000  # of one issuer, retired ones included; a rotation in 90 days adds three


R = TypeVar("R")


class SigningKeys(Protocol):
    """The part of a store that is needed here."""

    async def page(self, record_type: type[R], issuer: str, *, limit: int = 100) -> PageOf[R]:
        """Return up to *limit* records, in key order."""
        ...


class LocalSigner:
    """Signs and opens with the keys of the store, which it looks at anew each *refresh_seconds*."""

    def __init__(
        self,
        store: SigningKeys,
        keys: SecretKeys,
        *,
        refresh_seconds: float = REFRESH_INTERVAL_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._keys = keys
        self._refresh_seconds = refresh_seconds
        self._monotonic = monotonic
        self._issuers: dict[str, _IssuerKeys] = {}

    async def sign_jwt(
        self, issuer: str, claims: Mapping[str, object], *, alg: str, typ: str
    ) -> str:
        """Return the JWT of *claims* by the key in use for *alg*. Raises `NoSigningKey`."""
        handle = await self._handle(issuer, KeyUse.TOKEN, alg)
        return sign_jwt(claims, handle, typ=typ)

    async def sign(self, issuer: str, message: bytes, *, use: KeyUse, alg: str) -> Signature:
        """Return the signature of *message* by the key in use. Raises `NoSigningKey`."""
        handle = await self._handle(issuer, use, alg)
        return Signature(handle.kid or "", alg, handle.sign(message))

    async def decrypt_jwt(
        self, issuer: str, text: str, *, algorithms: Collection[str], encodings: Collection[str]
    ) -> str:
        """Return the JWT inside *text*, still to be verified. Raises `JoseError`."""
        keys = (await self._issuer(issuer)).decryption_keys(self._keys)
        return decrypt_jwt(text, keys, algorithms=algorithms, encodings=encodings)

    # Any: members of a JWK (RFC 7517 §4)
    async def public_jwks(self, issuer: str, *, use: KeyUse = KeyUse.TOKEN) -> dict[str, Any]:
        """Return the JWK Set others verify with. The same object while nothing changes."""
        return (await self._issuer(issuer)).public_jwks(use)

    def forget(self, issuer: str) -> None:
        """Read the issuer's keys anew at the next call."""
        known = self._issuers.get(issuer)
        if known is not None:
            known.read_at = float("-inf")

    async def _handle(self, issuer: str, use: KeyUse, alg: str) -> SigningHandle:
        handle = (await self._issuer(issuer)).handle(use, alg, self._keys)
        if handle is None:
            self.forget(issuer)
            handle = (await self._issuer(issuer)).handle(use, alg, self._keys)
        if handle is None:
            raise NoSigningKey(issuer, alg)
        return handle

    async def _issuer(self, issuer: str) -> "_IssuerKeys":
        now = self._monotonic()
        known = self._issuers.get(issuer)
        if known is not None and now - known.read_at < self._refresh_seconds:
            return known
        records = (await self._store.page(SigningKey, issuer, limit=MAX_KEYS)).records
        if known is None or known.records != records:
            known = self._issuers[issuer] = _IssuerKeys(records)
        known.read_at = now
        return known


class _IssuerKeys:
    """The keys of one issuer as they were read, opened when they first sign."""

    __slots__ = ("_handles", "_jwks", "_opened", "read_at", "records")

    def __init__(self, records: Sequence[SigningKey]) -> None:
        self.records = records
        self.read_at = float("-inf")
        self._handles: dict[tuple[KeyUse, str], SigningHandle] = {}
        self._jwks: dict[KeyUse, dict[str, Any]] = {}  # Any: members of a JWK
        self._opened: tuple[DecryptionKey, ...] | None = None

    def handle(self, use: KeyUse, alg: str, keys: SecretKeys) -> SigningHandle | None:
        """Return the key in use, or None when there is none. Raises `UnsealError`."""
        handle = self._handles.get((use, alg))
        if handle is None:
            record = active_key(self.records, use=use, alg=alg)
            if record is None:
                return None
            private = keys.sealer().unseal(record.sealed_private, record.place)
            handle = load_private_key(private, alg=alg, kid=record.kid)
            self._handles[use, alg] = handle
        return handle

    def decryption_keys(self, keys: SecretKeys) -> tuple[DecryptionKey, ...]:
        """Return the keys that open what is sent. Raises `UnsealError`."""
        if self._opened is None:
            sealer = keys.sealer()
            self._opened = tuple(
                load_decryption_key(
                    sealer.unseal(record.sealed_private, record.place), kid=record.kid
                )
                for record in opening_keys(self.records)
            )
        return self._opened

    def public_jwks(self, use: KeyUse) -> dict[str, Any]:  # Any: members of a JWK
        """Return the set of published keys; clients find those to encrypt to beside the others."""
        jwks = self._jwks.get(use)
        if jwks is None:
            published = published_keys(self.records, use=use)
            if use is KeyUse.TOKEN:
                published += published_keys(self.records, use=KeyUse.ENCRYPTION)
            jwks = self._jwks[use] = {"keys": [key.public_jwk for key in published]}
        return jwks
