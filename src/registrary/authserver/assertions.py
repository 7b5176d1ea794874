"""Proving a client by its assertion: which keys verify it, and that it is good once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from registrary.authserver.context import ServerContext
from registrary.core.changes import Changes, Put
from registrary.core.client import Client, Credential
from registrary.core.jose import (
    Assertion,
    AssertionRefused,
    UnverifiedAssertion,
    verify_client_assertion,
)
from registrary.core.records import SpentAssertion
from registrary.core.secrets import Secret
from registrary.policy.credentials import secret_place, usable_secrets
from registrary.ports.clock import Clock
from registrary.ports.fetcher import FetchRefused
from registrary.ports.keys import SecretKeys
from registrary.ports.remote_keys import RemoteKeys
from registrary.ports.store import Conflict, Store

_ALGORITHMS: Final = "token_endpoint_auth_signing_alg_values_supported"


@dataclass(frozen=True, slots=True)
class Proof:
    """An assertion that proves its client; *secret* is what signed it, None for a key pair."""

    assertion: Assertion
    secret: Credential | None = None


@dataclass(frozen=True, slots=True)
class AssertionVerifier:
    """Verifies assertions with what their clients registered, and remembers those used."""

    store: Store
    secret_keys: SecretKeys
    remote_keys: RemoteKeys
    clock: Clock

    async def verify(
        self,
        context: ServerContext,
        client: Client,
        unverified: UnverifiedAssertion,
        *,
        audiences: frozenset[str],
    ) -> Proof | None:
        """Return the proof, None when the assertion proves nothing or was used before.

        What was wrong is not told: a document that cannot be fetched looks like a bad signature.
        Raises `UnsealError` when a secret cannot be opened: that is no fault of the assertion.
        """
        terms = _Terms(client, audiences, _algorithms(context, client), self.clock.now())
        try:
            match client.metadata.get("token_endpoint_auth_method"):
                case "client_secret_jwt":
                    proof = self._by_secret(terms, unverified)
                case "private_key_jwt":
                    proof = await self._by_key(terms, unverified)
                case _:
                    return None
        except (AssertionRefused, FetchRefused):
            return None
        return proof if await self._spend(context, proof.assertion) else None

    def _by_secret(self, terms: "_Terms", unverified: UnverifiedAssertion) -> Proof:
        """Try the secrets one by one: the successor's first use ends its predecessor."""
        client, sealer = terms.client, self.secret_keys.sealer()
        place = secret_place(client.issuer, client.client_id)
        refused = AssertionRefused("the client has no secret that signs")
        for kept in reversed(usable_secrets(client, terms.now)):
            if kept.sealed is None:
                continue
            secret = Secret(sealer.unseal(kept.sealed, place).decode())
            try:
                return Proof(terms.judge(unverified, [secret]), kept)
            except AssertionRefused as error:
                refused = error
        raise refused

    async def _by_key(self, terms: "_Terms", unverified: UnverifiedAssertion) -> Proof:
        """Try the registered keys, or the published ones; those may have changed since."""
        url = terms.client.metadata.get("jwks_uri")
        if url is None:
            return Proof(terms.judge(unverified, terms.client.metadata.get("jwks") or {"keys": []}))
        jwks = await self.remote_keys.keys(url, kid=unverified.jws.kid)
        try:
            return Proof(terms.judge(unverified, jwks))
        except AssertionRefused as refused:
            # An algorithm that no key of the client can have is no reason to fetch again.
            if not refused.keys_may_be_old or unverified.jws.alg == "HS256":
                raise
        return Proof(terms.judge(unverified, await self.remote_keys.renewed(url)))

    async def _spend(self, context: ServerContext, assertion: Assertion) -> bool:
        """Remember the assertion as used; False when it was used before (RFC 7523 §3)."""
        spent = SpentAssertion(
            issuer=context.id, digest=assertion.digest, expires_at=assertion.expires_at
        )
        try:
            await self.store.commit(Changes(puts=(Put(spent),)))
        except Conflict:
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Terms:
    """What an assertion is judged by, whatever keys are tried."""

    client: Client
    audiences: frozenset[str]
    algorithms: Sequence[str]
    now: datetime

    # Any: a JWK Set's members are JSON values (RFC 7517 §5)
    def judge(
        self, unverified: UnverifiedAssertion, keys: dict[str, Any] | Sequence[Secret]
    ) -> Assertion:
        """Return the assertion as proved by one of *keys*; raises `AssertionRefused`."""
        return verify_client_assertion(
            unverified,
            client_id=self.client.client_id,
            keys=keys,
            audiences=self.audiences,
            algorithms=self.algorithms,
            now=self.now,
        )


def _algorithms(context: ServerContext, client: Client) -> Sequence[str]:
    registered = client.metadata.get("token_endpoint_auth_signing_alg")
    return (registered,) if registered else context.offer.accepted[_ALGORITHMS]
