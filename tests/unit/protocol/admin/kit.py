"""The admin API of an issuer in memory, spoken to as the server does, without a wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from registrary.core.changes import Changes, Put, Record
from registrary.core.client import Client
from registrary.core.events import Actor, ActorKind, Event, Tag
from registrary.core.issuer import Issuer
from registrary.core.metadata import offer_for
from registrary.core.records import AdminToken
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.core.signing_key import KeyState, KeyUse, NewKey
from registrary.jobs.sequencer import Sequencer
from registrary.keys.local import MemoryKeys
from registrary.keys.maker import LocalKeyMaker
from registrary.keys.signer import LocalSigner
from registrary.ports.fetcher import FetchRefused, Refusal
from registrary.ports.limiter import Limiter
from registrary.protocol.admin.operations import Operation
from registrary.protocol.http import HttpRequest, HttpResponse, Page
from registrary.protocol.routes import Route
from registrary.registrar.admin_access import AdminAccess
from registrary.registrar.admin_tokens import AdminTokens, AdminTokenWish
from registrary.registrar.context import IssuerContext
from registrary.registrar.counting import Counting
from registrary.registrar.permissions import EVERYTHING, Caller
from registrary.registrar.services import Services
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import a_client, a_registration_event, an_issuer
from registrary.wiring.administration import Administration, admin_operations, admin_routes
from registrary.wiring.directory import Directory, Site

OPERATOR_TOKEN = "operator-token-of-the-tests"
OPERATOR = Caller(Actor(ActorKind.OPERATOR), frozenset({EVERYTHING}))
KEYS = MemoryKeys()


class NothingFetched:
    """A `Fetcher` that fetches nothing."""

    async def fetch(self, url, *, purpose):
        """Refuse."""
        raise FetchRefused(Refusal.URL, f"{purpose} at {url}")


@dataclass(frozen=True)
class Reply:
    """What came back. *body* is read as JSON where it is; a page is *page*."""

    status: int
    headers: Mapping[str, str]
    body: Any  # Any: JSON
    page: Page | None = None


class Office:
    """The admin API of one issuer: *context*; *operator_token* None leaves set-up links open."""

    def __init__(
        self, *, operator_token: str | None = OPERATOR_TOKEN, limiter: Limiter | None = None
    ) -> None:
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.refusals = Counting(Tag.REFUSALS_COUNTED)
        self.services = Services(
            store=self.store,
            clock=self.clock,
            entropy=SeededEntropy(),
            fetcher=NothingFetched(),
            secret_keys=KEYS,
            refusals=self.refusals,
            limiter=limiter,
        )
        self.signer = LocalSigner(self.store, KEYS, monotonic=lambda: 0.0)
        self.administration = Administration(
            services=self.services,
            log=self.store,
            signer=self.signer,
            key_maker=LocalKeyMaker(KEYS),
            access=AdminAccess(self.services, operator_token=operator_token),
        )
        self.directory = Directory(())
        self.context = context_of(an_issuer(scopes=DEVELOPMENT_SCOPES))

    async def open(self, *others: Issuer) -> "Office":
        """Store the issuer, and *others* behind it, and serve them."""
        contexts = [self.context, *map(context_of, others)]
        for context in contexts:
            await self.put(context.issuer)
        nothing = Route("/.well-known/", {})
        self.directory.show(
            Site(context.issuer, admin_routes(context, self.administration), nothing)
            for context in contexts
        )
        return self

    async def put(self, *records: Record, events: tuple[Event, ...] = ()) -> None:
        """Store *records* that are not there yet."""
        await self.store.commit(Changes(tuple(Put(record) for record in records), events))

    async def add_client(self, **what_matters: Any) -> Client:  # Any: the fields of Client
        """Store a client with the event of its registration."""
        client = a_client(issuer=self.context.id, **what_matters)
        await self.put(client, events=(a_registration_event(client),))
        return client

    async def add_key(self, *, use: KeyUse = KeyUse.TOKEN, alg: str = "EdDSA") -> str:
        """Make a key that signs, and return its id."""
        now = self.clock.now()
        wanted = NewKey(use, alg, KeyState.ACTIVE, now)
        key = await LocalKeyMaker(KEYS).make(self.context.id, wanted, now=now)
        await self.put(key)
        self.signer.forget(self.context.id)
        return key.kid

    async def sequence(self) -> None:
        """Give every event its index, and sign a checkpoint."""
        await Sequencer(self.store, self.signer).run(self.context.issuer)

    async def a_token(
        self,
        *permissions: str,
        lifetime: timedelta | None = None,
        context: IssuerContext | None = None,
    ) -> str:
        """Return the text of a new admin token."""
        wish = AdminTokenWish("test", permissions, lifetime)
        tokens = AdminTokens(self.services)
        _, token = await tokens.create(context or self.context, wish, by=OPERATOR)
        return token.reveal()

    async def tokens(self) -> tuple[AdminToken, ...]:
        """Return every admin token."""
        return (await self.store.page(AdminToken, self.context.id)).records

    async def events(self) -> list[dict[str, Any]]:
        """Return what the log says, newest first."""
        events = await self.store.recent_events(self.context.id, limit=100)
        return [json.loads(event.body or b"{}") for event in events]

    async def call(
        self,
        line: str,
        document: object = None,
        *,
        token: str | None = OPERATOR_TOKEN,
        headers: Mapping[str, str] | None = None,
        host: str = "registry.example",
    ) -> Reply:
        """Ask for *line*, such as ``GET /clients?limit=1``, below the API."""
        method, _, target = line.partition(" ")
        sent = dict(headers or {})
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        if document is not None:
            sent.setdefault("content-type", "application/json")
        body = b"" if document is None else json.dumps(document).encode()
        return await self.send(method, f"/api/v1{target}", headers=sent, body=body, host=host)

    async def send(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        host: str = "registry.example",
    ) -> Reply:
        """Send a request to *target*."""
        path, _, query = target.partition("?")
        found = self.directory.find(host, path)
        assert found is not None, path
        sent = tuple((name.encode(), value.encode()) for name, value in dict(headers or {}).items())
        answer = await found.endpoint(
            HttpRequest(method, found.path, query, sent, body, "192.0.2.7", "request")
        )
        return _reply(answer)

    def operations(self) -> tuple[Operation, ...]:
        """Return every operation."""
        return admin_operations(self.context, self.administration)


def context_of(issuer: Issuer) -> IssuerContext:
    """Return what use cases know of *issuer*."""
    offer = offer_for(issuer.rule_set.value, issuer.scopes)
    return IssuerContext(issuer, offer, f"{issuer.url}/register")


def _reply(answer: HttpResponse | Page) -> Reply:
    if isinstance(answer, Page):
        return Reply(answer.status, {}, None, answer)
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Reply(answer.status, headers, json.loads(answer.body) if answer.body else None)
