"""Proving who a client is, at every endpoint in the same way."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from registrary.authserver.assertions import AssertionVerifier
from registrary.authserver.certificates import CertificateVerifier
from registrary.authserver.context import ServerContext
from registrary.authserver.journal import Journal, Refusals
from registrary.authserver.presented import (
    Presented,
    PresentedAssertion,
    PresentedCertificate,
    PresentedId,
    PresentedSecret,
    Refusal,
    Visit,
)
from registrary.core.changes import Changes, Put
from registrary.core.client import Client, Credential
from registrary.core.events import Tag
from registrary.core.jose import AssertionRefused, read_client_assertion
from registrary.core.secrets import Prefix, Secret
from registrary.policy.credentials import find_credential, is_first_use
from registrary.ports.clock import Clock, Entropy
from registrary.ports.counter import Counter
from registrary.ports.keys import SecretKeys
from registrary.ports.remote_keys import RemoteKeys
from registrary.ports.store import Conflict, Store

if TYPE_CHECKING:
    from registrary.core.x509.authorities import Authorities

NOT_PROVED: Final = Refusal("invalid_client", "client authentication failed")
HELD: Final = Refusal("unauthorized_client", "the client is held and may not act")
SECRET_METHODS: Final = frozenset({"client_secret_basic", "client_secret_post"})
ATTEMPTS: Final = 5  # to end a replaced secret against writes of others


@dataclass(frozen=True, slots=True)
class ClientAuthenticator:
    """Authenticates clients. Every failure looks the same, whatever it was.

    `UnsealError` is raised where the server's own keys are at fault, and no client.
    *refusals* counts what strangers were refused; None counts nothing. *authorities* vouch for
    certificates of clients; without them ``tls_client_auth`` proves nobody. Who cannot prove
    itself by what *store* says is held against *exact*, where reads of the first may be old: a
    new secret holds at once, wherever it was made.
    """

    store: Store
    secret_keys: SecretKeys
    remote_keys: RemoteKeys
    clock: Clock
    entropy: Entropy
    refusals: Counter | None = None
    authorities: "Authorities | None" = None
    exact: Store | None = None

    async def authenticate(
        self,
        context: ServerContext,
        presented: Presented,
        *,
        audiences: frozenset[str],
        visit: Visit,
        public: bool = True,
    ) -> Client | Refusal:
        """Return the client that *presented* proves, if it stands well.

        Proof comes first, standing second: only the client itself learns that it is held.
        *audiences* are the names an assertion may be addressed to. With *public* a client may
        come that has nothing to prove itself by.
        """
        client = await self.prove(context, presented, audiences=audiences, visit=visit)
        if client is None and self.exact is not None:
            exactly = replace(self, store=self.exact)
            client = await exactly.prove(context, presented, audiences=audiences, visit=visit)
        if client is None or (not public and _method(client) == "none"):
            self.count_refused(context, visit, NOT_PROVED)
            return NOT_PROVED
        if client.effects.refusal is None:
            return client
        refusal = HELD if client.effects.refusal == HELD.code else NOT_PROVED
        await self.note_refused(context, client, refusal, visit=visit)
        return refusal

    async def note_refused(
        self, context: ServerContext, client: Client, refusal: Refusal, *, visit: Visit
    ) -> None:
        """Write down that a client which proved itself was refused a token."""
        await self._refusals().note(context, client, refusal, visit=visit)

    def count_refused(self, context: ServerContext, visit: Visit, refusal: Refusal) -> None:
        """Count what a stranger was refused, by where it came from."""
        self._refusals().count(context, refusal, visit=visit)

    def _refusals(self) -> Refusals:
        return Refusals(self.store, Journal(self.clock, self.entropy), self.refusals)

    async def prove(
        self,
        context: ServerContext,
        presented: Presented,
        *,
        audiences: frozenset[str],
        visit: Visit,
    ) -> Client | None:
        """Return the client that *presented* proves, however it stands; None when it does not."""
        match presented:
            case PresentedSecret():
                return await self._by_secret(context, presented, visit)
            case PresentedAssertion():
                return await self._by_assertion(
                    context, presented, audiences=audiences, visit=visit
                )
            case PresentedCertificate():
                return await self._by_certificate(context, presented)
            case PresentedId(client_id):
                client = await self.store.get(Client, context.id, client_id)
                is_public = client is not None and _method(client) == "none"
                return client if is_public else None

    async def _by_secret(
        self, context: ServerContext, presented: PresentedSecret, visit: Visit
    ) -> Client | None:
        client = await self.store.get(Client, context.id, presented.client_id)
        found = find_credential(
            Secret(presented.secret),
            client.secrets if client else (),
            peppers=self.secret_keys.peppers(),
            purpose=Prefix.CLIENT_SECRET,
            now=self.clock.now(),
        )
        if client is None or found is None or not _takes(context, client, presented.method):
            return None
        return await self._after_use(context, client, found, visit=visit)

    async def _by_assertion(
        self,
        context: ServerContext,
        presented: PresentedAssertion,
        *,
        audiences: frozenset[str],
        visit: Visit,
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
        verifier = AssertionVerifier(self.store, self.secret_keys, self.remote_keys, self.clock)
        proof = await verifier.verify(context, client, unverified, audiences=audiences)
        if proof is None or proof.secret is None:
            return client if proof else None
        return await self._after_use(context, client, proof.secret, visit=visit)

    async def _by_certificate(
        self, context: ServerContext, presented: PresentedCertificate
    ) -> Client | None:
        client = await self.store.get(Client, context.id, presented.client_id)
        if client is None or _method(client) == "none":
            # A public client may present a certificate to bind its tokens to (RFC 8705 §4).
            return client
        verifier = CertificateVerifier(self.remote_keys, self.clock, self.authorities)
        return client if await verifier.verify(client, presented.certificate) else None

    async def _after_use(
        self, context: ServerContext, client: Client, used: Credential, *, visit: Visit
    ) -> Client | None:
        """End the secret before *used*, which has now arrived; return the client as it stands.

        Whoever changed the client meanwhile may have revoked it or its secret: None then. One
        that keeps losing goes on, and its next use ends the old secret.
        """
        if not is_first_use(used, client.secrets):
            return client
        for _ in range(ATTEMPTS):
            settled = msgspec.structs.replace(
                client, secrets=client.secrets[-1:], revision=client.revision + 1
            )
            event = Journal(self.clock, self.entropy).event(
                context, client, Tag.SECRET_RETIRED, visit=visit
            )
            changes = Changes(puts=(Put(settled, expected=client.revision),), events=(event,))
            try:
                await self.store.commit(changes)
            except Conflict:
                reread = await self.store.get(Client, context.id, client.client_id)
                current = self._current(reread, used)
                if reread is None or current is None:
                    return None
                client = reread
                if not is_first_use(current, client.secrets):
                    return client
            else:
                return settled
        return client

    def _current(self, client: Client | None, used: Credential) -> Credential | None:
        """Return *used* as *client* has it now, None when it is no longer good."""
        now = self.clock.now()
        kept = client.secrets if client else ()
        return next((one for one in kept if one.mac == used.mac and one.is_usable(now)), None)


def _method(client: Client) -> str:
    return str(client.metadata.get("token_endpoint_auth_method"))


def _takes(context: ServerContext, client: Client, method: str) -> bool:
    """Tell whether *client* may use *method*; basic and post stand for each other."""
    registered = _method(client)
    if context.issuer.strict_authentication_method:
        return registered == method
    return registered in SECRET_METHODS
