"""Proving who a client is, at every endpoint in the same way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.presented import (
    Presented,
    PresentedAssertion,
    PresentedId,
    PresentedSecret,
    Refusal,
)
from registrary.core.changes import Changes, Put
from registrary.core.client import Client, Credential
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.jose import (
    Assertion,
    AssertionRefused,
    UnverifiedAssertion,
    read_client_assertion,
    verify_client_assertion,
)
from registrary.core.records import SpentAssertion
from registrary.core.sealing import UnsealError
from registrary.core.secrets import Prefix, Secret
from registrary.policy.credentials import (
    find_credential,
    is_first_use,
    secret_place,
    usable_secrets,
)
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.clock import Clock, Entropy
from registrary.ports.fetcher import FetchRefused
from registrary.ports.keys import SecretKeys
from registrary.ports.remote_keys import RemoteKeys
from registrary.ports.store import Conflict, Store

NOT_PROVED: Final = Refusal("invalid_client", "client authentication failed")
HELD: Final = Refusal("unauthorized_client", "the client is held and may not act")
SECRET_METHODS: Final = frozenset({"client_secret_basic", "client_secret_post"})
_ALGORITHMS: Final = "token_endpoint_auth_signing_alg_values_supported"


@dataclass(frozen=True, slots=True)
class ClientAuthenticator:
    """Authenticates clients. Every failure looks the same, whatever it was."""

    store: Store
    secret_keys: SecretKeys
    remote_keys: RemoteKeys
    clock: Clock
    entropy: Entropy

    async def authenticate(
        self, context: ServerContext, presented: Presented, *, audiences: frozenset[str]
    ) -> Client | Refusal:
        """Return the client that *presented* proves, if it stands well.

        Proof comes first, standing second: only the client itself learns that it is held.
        *audiences* are the names an assertion may be addressed to.
        """
        client = await self._prove(context, presented, audiences)
        if client is None:
            return NOT_PROVED
        refusal = client.effects.refusal
        if refusal is None:
            return client
        return HELD if refusal == "unauthorized_client" else NOT_PROVED

    async def _prove(
        self, context: ServerContext, presented: Presented, audiences: frozenset[str]
    ) -> Client | None:
        match presented:
            case PresentedSecret():
                return await self._by_secret(context, presented)
            case PresentedAssertion():
                return await self._by_assertion(context, presented, audiences)
            case PresentedId(client_id):
                client = await self.store.get(Client, context.id, client_id)
                is_public = client is not None and _method(client) == "none"
                return client if is_public else None

    async def _by_secret(self, context: ServerContext, presented: PresentedSecret) -> Client | None:
        client = await self.store.get(Client, context.id, presented.client_id)
        kept = client.secrets if client else ()
        found = find_credential(
            Secret(presented.secret),
            kept,
            peppers=self.secret_keys.peppers(),
            purpose=Prefix.CLIENT_SECRET,
            now=self.clock.now(),
        )
        if client is None or found is None or not _takes(context, client, presented.method):
            return None
        return await self._after_use(context, client, found)

    async def _after_use(self, context: ServerContext, client: Client, used: Credential) -> Client:
        """End the old secret once its successor arrived; losing a race changes nothing."""
        if not is_first_use(used, client.secrets):
            return client
        settled = msgspec.structs.replace(
            client, secrets=client.secrets[-1:], revision=client.revision + 1
        )
        event = an_event(
            Occasion(context.id, self.clock.now(), Actor(ActorKind.CLIENT, client.client_id)),
            Tag.SECRET_RETIRED,
            draw=Draw(self.entropy.token_bytes(EVENT_DRAW_BYTES)),
            client_id=client.client_id,
        )
        try:
            await self.store.commit(
                Changes(puts=(Put(settled, expected=client.revision),), events=(event,))
            )
        except Conflict:
            return client
        return settled

    async def _by_assertion(
        self, context: ServerContext, presented: PresentedAssertion, audiences: frozenset[str]
    ) -> Client | None:
        try:
            unverified = read_client_assertion(presented.assertion)
        except AssertionRefused:
            return None
        if presented.client_id not in (None, unverified.client_id):
            return None
        client = await self.store.get(Client, context.id, unverified.client_id)
        if client is None:
            return None
        assertion = await self._verified(context, client, unverified, audiences=audiences)
        if assertion is None or not await self._spend(context, assertion):
            return None
        return client

    async def _verified(
        self,
        context: ServerContext,
        client: Client,
        unverified: UnverifiedAssertion,
        *,
        audiences: frozenset[str],
    ) -> Assertion | None:
        """Return the proved assertion; a key that is not known is looked for once more."""
        now = self.clock.now()
        try:
            for is_again in (False, True):
                keys = await self._keys(client, unverified, again=is_again)
                if keys is None:
                    return None
                try:
                    return verify_client_assertion(
                        unverified,
                        client_id=client.client_id,
                        keys=keys,
                        audiences=audiences,
                        algorithms=_algorithms(context, client),
                        now=now,
                    )
                except AssertionRefused as refused:
                    if not (refused.keys_may_be_old and "jwks_uri" in client.metadata):
                        return None
        except (FetchRefused, UnsealError):
            return None
        return None

    # Any: a JWK Set's members are JSON values (RFC 7517 §5)
    async def _keys(
        self, client: Client, unverified: UnverifiedAssertion, *, again: bool
    ) -> dict[str, Any] | Sequence[Secret] | None:
        """Return what verifies assertions of *client*, None when its method is another."""
        method = _method(client)
        if method == "client_secret_jwt":
            return self._secrets(client, self.clock.now())
        if method != "private_key_jwt":
            return None
        url = client.metadata.get("jwks_uri")
        if url is None:
            jwks: dict[str, Any] = client.metadata.get("jwks") or {"keys": []}
            return jwks
        if again:
            return await self.remote_keys.renewed(url)
        return await self.remote_keys.keys(url, kid=unverified.jws.kid)

    def _secrets(self, client: Client, now: datetime) -> list[Secret]:
        place, sealer = secret_place(client.issuer, client.client_id), self.secret_keys.sealer()
        return [
            Secret(sealer.unseal(secret.sealed, place).decode())
            for secret in usable_secrets(client, now)
            if secret.sealed is not None
        ]

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


def _method(client: Client) -> str:
    return str(client.metadata.get("token_endpoint_auth_method"))


def _takes(context: ServerContext, client: Client, method: str) -> bool:
    """Tell whether *client* may use *method*; basic and post stand for each other."""
    registered = _method(client)
    if context.issuer.strict_authentication_method:
        return registered == method
    return registered in SECRET_METHODS


def _algorithms(context: ServerContext, client: Client) -> Sequence[str]:
    registered = client.metadata.get("token_endpoint_auth_signing_alg")
    return (registered,) if registered else context.offer.accepted[_ALGORITHMS]
