"""An authorization server in memory, for tests that look at one part of it."""

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from registrary.authserver.client_authentication import ClientAuthenticator
from registrary.authserver.context import ServerContext
from registrary.authserver.grants.request import TokenAnswer, TokenRequest
from registrary.authserver.inspection import TokenInspector
from registrary.authserver.presented import PresentedAssertion, PresentedSecret, Visit
from registrary.authserver.services import ServerServices
from registrary.authserver.token_reading import TokenReader
from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.events import Tag
from registrary.core.jose import SigningHandle, load_private_key, sign_jwt
from registrary.core.metadata import offer_for
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.core.signing_key import KeyState, KeyUse, NewKey
from registrary.keys.local import MemoryKeys
from registrary.keys.maker import LocalKeyMaker, public_members
from registrary.keys.signer import LocalSigner
from registrary.policy.credentials import CredentialKeys, Issue, issue_client_secret
from registrary.ports.fetcher import FetchRefused, Refusal
from registrary.ports.store import StoreUnavailable
from registrary.registrar.counting import Counting
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import MOMENT, FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import a_client, an_issuer, some_metadata
from registrary.wiring.token_routes import grants_of

KEYS = MemoryKeys()
VISIT = Visit("/token", "192.0.2.1", "request-1")


class Counts(Counting):
    """A `Counter` that tells what it counted."""

    def __init__(self):
        super().__init__(Tag.REFUSALS_COUNTED)
        self.noted: Counter[tuple[str, str, str]] = Counter()

    def note(self, issuer, source, what):
        """Count one more."""
        super().note(issuer, source, what)
        self.noted[issuer, source, what] += 1


class PublishedKeys:
    """A `RemoteKeys` whose documents a test sets; *stale* is what was kept before."""

    def __init__(self):
        self.published: dict[str, dict[str, Any]] = {}
        self.stale: dict[str, dict[str, Any]] = {}
        self.fetches = 0

    async def keys(self, url, *, kid):
        """Return the kept set, or the published one."""
        return self.stale.get(url) or await self.renewed(url)

    async def renewed(self, url):
        """Return the published set, as far as there is one."""
        self.fetches += 1
        if url not in self.published:
            raise FetchRefused(Refusal.STATUS, "404")
        return self.published[url]


class NoDocuments:
    """A `Fetcher` that has nothing: no grant of tokens looks anywhere."""

    async def fetch(self, url, *, purpose):
        """Refuse."""
        raise FetchRefused(Refusal.STATUS, "404")


class RacedStore(MemoryStore):
    """A store where somebody else writes first, once; on a full disk nobody does."""

    def __init__(self):
        super().__init__()
        self.meanwhile: Changes | None = None
        self.is_full = False

    async def commit(self, changes):
        """Let the other write happen, then this one."""
        if self.is_full:
            raise StoreUnavailable("the disk is full")
        if self.meanwhile is not None:
            other, self.meanwhile = self.meanwhile, None
            await super().commit(other)
        await super().commit(changes)


class Server:
    """Everything between the store and the endpoints, for one issuer."""

    def __init__(self, **issuer: Any):
        self.store = RacedStore()
        self.clock = FakeClock()
        self.entropy = SeededEntropy()
        self.issues = Counts()
        self.refusals = Counts()
        self.remote = PublishedKeys()
        self.signer = LocalSigner(self.store, KEYS, monotonic=self.seconds)
        members = {"scopes": DEVELOPMENT_SCOPES} | issuer
        self.context = self.context_of(an_issuer(**members))
        self.authenticator = ClientAuthenticator(
            self.store, KEYS, self.remote, self.clock, self.entropy, self.refusals
        )
        self.services = ServerServices(
            store=self.store,
            signer=self.signer,
            secret_keys=KEYS,
            remote_keys=self.remote,
            fetcher=NoDocuments(),
            clock=self.clock,
            entropy=self.entropy,
            issues=self.issues,
            refusals=self.refusals,
        )
        self.grants = grants_of(self.services)
        self.inspector = TokenInspector(self.services, TokenReader(self.services))

    def seconds(self) -> float:
        """Return how far the clock has moved."""
        return (self.clock.now() - MOMENT).total_seconds()

    @staticmethod
    def context_of(issuer) -> ServerContext:
        """Return what the endpoints of *issuer* know of it."""
        offer = offer_for(issuer.rule_set.value, issuer.scopes)
        return ServerContext(issuer, offer, f"{issuer.url}/token")

    async def make_key(self, alg="ES256", context=None):
        """Give the issuer a key that signs, and return its record."""
        wanted = NewKey(KeyUse.TOKEN, alg, KeyState.ACTIVE, self.clock.now())
        issuer = (context or self.context).id
        key = await LocalKeyMaker(KEYS).make(issuer, wanted, now=self.clock.now())
        await self.store.commit(Changes(puts=(Put(key),)))
        return key

    async def add(self, client: Client) -> Client:
        """Store *client*."""
        await self.store.commit(Changes(puts=(Put(client),)))
        return client

    async def change(self, client: Client, **members: Any) -> Client:
        """Store *client* with other members, as its next revision."""
        changed = msgspec.structs.replace(client, revision=client.revision + 1, **members)
        await self.store.commit(Changes(puts=(Put(changed, expected=client.revision),)))
        return changed

    async def service(self, **metadata: Any) -> Client:
        """Store and return a client that may get tokens in its own name."""
        own = {"grant_types": ["client_credentials"], "scope": "read write"}
        return await self.add(a_client(metadata=some_metadata(**own | metadata)))

    def secret_for(self, client: Client, *, lifetime: timedelta | None = None):
        """Return a new secret for *client* and how it is kept."""
        issue = Issue(client.issuer, client.client_id, self.clock.now(), lifetime)
        keys = CredentialKeys(KEYS.peppers(), KEYS.sealer())
        secret, kept = issue_client_secret(issue, keys, self.entropy.draw(400), is_recoverable=True)
        return secret.reveal(), kept

    async def with_secret(self, client: Client, *, lifetime: timedelta | None = None):
        """Give *client* one secret; return the client and the secret's text."""
        text, kept = self.secret_for(client, lifetime=lifetime)
        return await self.change(client, secrets=(kept,)), text

    async def token(self, client: Client, *, context=None, resources=()) -> str:
        """Return an access token of *client*."""
        answer = await self.grants.client_credentials.redeem(
            context or self.context, TokenRequest(client=client, resources=tuple(resources))
        )
        assert isinstance(answer, TokenAnswer)
        return answer.access_token

    async def prove(self, presented, *, context=None):
        """Authenticate as the token endpoint does."""
        of = context or self.context
        return await self.authenticator.authenticate(
            of, presented, audiences=frozenset({of.issuer.url, of.token_endpoint}), visit=VISIT
        )

    def assertion(self, client: Client, handle: SigningHandle, **changes: Any) -> str:
        """Return an assertion of *client*, good for a minute, signed by *handle*."""
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": client.client_id,
            "sub": client.client_id,
            "aud": self.context.issuer.url,
            "iat": now,
            "exp": now + 60,
            "jti": self.entropy.token_bytes(8).hex(),
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return sign_jwt(claims, handle)

    async def events(self, *tags):
        """Return the bodies of all events, or of those with one of *tags*, oldest first."""
        waiting = await self.store.waiting(self.context.id, limit=1000)
        kept = [await self.store.event(self.context.id, one.event_id) for one in waiting]
        bodies = [msgspec.json.decode(one.body) for one in kept if one and one.body]
        return [body for body in bodies if not tags or body["tag"] in tags]


def basic(client: Client, secret: str) -> PresentedSecret:
    """Return id and secret as the header brings them."""
    return PresentedSecret(client.client_id, secret, "client_secret_basic")


def asserted(text: str, client_id: str | None = None) -> PresentedAssertion:
    """Return an assertion as the form brings it."""
    return PresentedAssertion(text, client_id)


def a_key_pair(kid: str = "one") -> tuple[SigningHandle, dict[str, Any]]:
    """Return a key of a client: what signs with it, and the set that verifies it."""
    private = ec.generate_private_key(ec.SECP256R1())
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    jwks = {"keys": [{**public_members(private), "kid": kid}]}
    return load_private_key(der, alg="ES256", kid=kid), jwks
