"""Registering and managing clients at an issuer in memory, without a wire."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.metadata import offer_for
from registrary.core.records import InitialAccessToken
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.keys.local import MemoryKeys
from registrary.policy.credentials import Issue, issue_registration_access_token
from registrary.policy.decision import Accepted, Refused
from registrary.policy.updating import Rotation
from registrary.ports import fetcher
from registrary.ports.fetcher import FetchRefused
from registrary.registrar.context import IssuerContext
from registrary.registrar.counting import Counting
from registrary.registrar.management import Manager, Visit
from registrary.registrar.registration import Registrar
from registrary.registrar.services import Services
from registrary.storage.memory.limiter import MemoryLimiter
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import a_client, an_issuer

R = TypeVar("R", Client, InitialAccessToken)

KEYS = MemoryKeys()
OPERATOR = Actor(ActorKind.OPERATOR)
PEER = "192.0.2.1"


class NothingFetched:
    """A `Fetcher` that fetches nothing."""

    async def fetch(self, url, *, purpose):
        """Refuse."""
        raise FetchRefused(fetcher.Refusal.URL, f"{purpose} at {url}")


class RacedStore(MemoryStore):
    """A store where others write first: one of *meanwhile* before each commit."""

    def __init__(self):
        super().__init__()
        self.meanwhile: list[Changes] = []
        self.commits = 0

    async def commit(self, changes):
        """Let the other write happen, then this one."""
        self.commits += 1
        if self.meanwhile:
            await super().commit(self.meanwhile.pop(0))
        await super().commit(changes)


class Desk:
    """An issuer where clients register and manage themselves."""

    def __init__(self, **issuer: Any) -> None:
        self.store = RacedStore()
        self.clock = FakeClock()
        self.entropy = SeededEntropy()
        self.refusals = Counting(Tag.REFUSALS_COUNTED)
        self.services = Services(
            store=self.store,
            clock=self.clock,
            entropy=self.entropy,
            fetcher=NothingFetched(),
            secret_keys=KEYS,
            refusals=self.refusals,
            limiter=MemoryLimiter(),
        )
        self.registrar = Registrar(self.services)
        self.manager = Manager(self.services)
        self.context = self.of(**issuer)

    @staticmethod
    def of(**issuer: Any) -> IssuerContext:
        """Return what use cases know of an issuer with these members."""
        made = an_issuer(**{"scopes": DEVELOPMENT_SCOPES} | issuer)
        offer = offer_for(made.rule_set.value, made.scopes)
        return IssuerContext(made, offer, f"{made.url}/register")

    async def add(self, **members: Any) -> tuple[Client, str]:
        """Store a client with a registration access token of its own; return both."""
        client = a_client(issuer=self.context.id, **members)
        token, kept = issue_registration_access_token(
            Issue(client.issuer, client.client_id, self.clock.now()),
            self.services.credential_keys(),
            self.entropy.draw(),
        )
        client = msgspec.structs.replace(client, registration_access_tokens=(kept,))
        await self.store.commit(Changes(puts=(Put(client),)))
        return client, token.reveal()

    async def change(self, client: Client, **members: Any) -> Client:
        """Store *client* with other members, as its next revision."""
        changes = self.changes(client, **members)
        await self.store.commit(changes)
        return await self.stored(client)

    @staticmethod
    def changes(record: R, **members: Any) -> Changes:
        """Return the write that gives *record* other members."""
        changed = msgspec.structs.replace(record, revision=record.revision + 1, **members)
        return Changes(puts=(Put(changed, expected=record.revision),))

    async def update(
        self,
        client: Client,
        token: str,
        *,
        rotation: Rotation | None = None,
        **changes: Any,
    ) -> Accepted | Refused:
        """Let *client* replace its registration by itself with *changes*; None removes."""
        found = await self.manager.enter(self.context, visit(client, token))
        if isinstance(found, Refused):
            return found
        own = {"client_id": client.client_id, **client.metadata} | changes
        document = {name: value for name, value in own.items() if value is not None}
        return await self.manager.update(
            self.context, visit(client, token), found, document=document, rotation=rotation
        )

    async def stored(self, client: Client) -> Client:
        """Return *client* as it is stored now."""
        found = await self.store.get(Client, client.issuer, client.client_id)
        assert found
        return found

    async def events(self, *tags: str) -> list[Mapping[str, Any]]:
        """Return the bodies of all events, or of those with one of *tags*, oldest first."""
        waiting = await self.store.waiting(self.context.id, limit=10_000)
        kept = [await self.store.event(self.context.id, one.event_id) for one in waiting]
        bodies = [msgspec.json.decode(one.body) for one in kept if one and one.body]
        return [body for body in bodies if not tags or body["tag"] in tags]

    def counted(self) -> Counter[tuple[str, str]]:
        """Return what was counted by source and kind, and start again from zero."""
        return Counter({(each.source, each.what): each.count for each in self.refusals.drain()})


def visit(client: Client, token: str) -> Visit:
    """Return a request of *client* at its own address."""
    return Visit(client.client_id, token, PEER, "request-1")
