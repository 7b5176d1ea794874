"""People of one issuer in memory, for tests that look at one part of signing them in."""

import json
from collections import Counter
from typing import Any, TypeVar

from registrary.authserver.context import ServerContext
from registrary.authserver.people.newcomers import NEWCOMER_DRAW_BYTES, newcomer
from registrary.authserver.people.passwords import hashed
from registrary.authserver.people.sessions import Sessions
from registrary.authserver.presented import Visit
from registrary.authserver.services import ServerServices
from registrary.core.changes import Record
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.metadata import offer_for
from registrary.core.people import Person
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.core.secrets import Secret
from registrary.keys.local import MemoryKeys
from registrary.keys.signer import LocalSigner
from registrary.outbound.remote_keys import CachedRemoteKeys
from registrary.policy.journal import Occasion
from registrary.ports.fetcher import Fetched, FetchRefused, Refusal
from registrary.registrar.counting import Counting
from registrary.storage.memory.limiter import MemoryLimiter
from registrary.storage.memory.store import MemoryStore
from registrary.testing.clock import FakeClock
from registrary.testing.entropy import SeededEntropy
from registrary.testing.factories import an_issuer

VISIT = Visit("/authorize", "192.0.2.1", "request-1")
PASSWORD = "correct horse"
R = TypeVar("R", bound=Record)


class Counts(Counting):
    """A `Counter` that tells what it counted."""

    def __init__(self):
        super().__init__(Tag.REFUSALS_COUNTED)
        self.noted: Counter[tuple[str, str, str]] = Counter()

    def note(self, issuer, source, what):
        """Count one more."""
        super().note(issuer, source, what)
        self.noted[issuer, source, what] += 1


class Documents:
    """A `Fetcher` of what a test published."""

    def __init__(self):
        self.published: dict[str, bytes] = {}
        self.fetched: list[str] = []

    async def fetch(self, url, *, purpose):
        """Return what was published at *url*."""
        self.fetched.append(url)
        if url not in self.published:
            raise FetchRefused(Refusal.STATUS, "404")
        return Fetched(self.published[url], purpose.media_types[0])


class House:
    """Everything below the pages, for one issuer."""

    def __init__(self, **issuer: Any):
        self.store = MemoryStore()
        self.clock = FakeClock()
        self.entropy = SeededEntropy()
        self.keys = MemoryKeys()
        self.refusals = Counts()
        self.documents = Documents()
        self.services = ServerServices(
            store=self.store,
            signer=LocalSigner(self.store, self.keys),
            secret_keys=self.keys,
            remote_keys=CachedRemoteKeys(self.documents),
            fetcher=self.documents,
            clock=self.clock,
            entropy=self.entropy,
            issues=Counts(),
            refusals=self.refusals,
            limiter=MemoryLimiter(),
        )
        self.context = self.context_of(**issuer)
        self.sessions = Sessions(self.services)

    @staticmethod
    def context_of(**members: Any) -> ServerContext:
        """Return what the endpoints know of an issuer with *members*."""
        issuer = an_issuer(**{"scopes": DEVELOPMENT_SCOPES} | members)
        offer = offer_for(issuer.rule_set.value, issuer.scopes)
        return ServerContext(issuer, offer, f"{issuer.url}/token")

    async def person(self, username="anna", *, password: str | None = PASSWORD, **claims) -> Person:
        """Return somebody who was just made known."""
        person, changes = newcomer(
            Occasion(self.context.id, self.clock.now(), Actor(ActorKind.SYSTEM)),
            draw=self.entropy.draw(NEWCOMER_DRAW_BYTES),
            username=username,
            claims=claims,
            password=None if password is None else await hashed(Secret(password)),
        )
        await self.store.commit(changes)
        return person

    async def sign_in(self, person: Person, **more: Any):
        """Return a new session of *person*, and the text of its token."""
        how: dict[str, Any] = {"amr": ("pwd",), "acr": "pwd", "visit": VISIT} | more
        signed_in, token = await self.sessions.begin(self.context, person, **how)
        return signed_in, token.reveal()

    async def stored(self, record: R) -> R:
        """Return *record* as it is stored now."""
        found = await self.store.get(type(record), self.context.id, record.key)
        assert found is not None
        return found

    async def bodies(self) -> list[dict[str, Any]]:
        """Return the bodies of what was written down, oldest first."""
        waiting = await self.store.waiting(self.context.id, limit=1000)
        logged = [await self.store.event(self.context.id, one.event_id) for one in waiting]
        return [json.loads(one.body or b"") for one in logged if one is not None]

    async def tags(self) -> list[Tag]:
        """Return the kinds of what was written down, oldest first."""
        return [Tag(body["tag"]) for body in await self.bodies()]
