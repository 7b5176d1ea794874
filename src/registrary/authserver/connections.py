"""The applications a person let in: what each may do, and how it is sent away again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.ending import end_grants_of
from registrary.authserver.presented import Visit
from registrary.authserver.services import ServerServices
from registrary.core.changes import Changes, Delete
from registrary.core.client import Client
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.grants import Consent, Grant, GrantOfPerson
from registrary.core.uris import host_of
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.store import below

DISCONNECTED: Final = "the person disconnected the client"
_Allowed = tuple[tuple[str, ...], datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Connection:
    """A client and what it was allowed; *used_at* None where it never came back.

    *host* is where answers to it go, its scheme where that is a private one.
    """

    client: Client
    host: str
    scope: tuple[str, ...]
    since: datetime
    used_at: datetime | None = None


class Connections:
    """Knows and ends the connections of people to clients."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services

    async def of_person(self, context: ServerContext, person: str) -> list[Connection]:
        """Return what *person* allowed that still stands, in the order of client ids."""
        found: dict[str, list[_Allowed]] = {}
        async for consent in self._consents(context, person):
            remembered = (consent.scope, consent.given_at, None)
            found.setdefault(consent.client_id, []).append(remembered)
        async for grant in self._living_grants(context, person):
            living = (grant.authorization.scope, grant.created_at, grant.used_at)
            found.setdefault(grant.authorization.client_id, []).append(living)
        connections = []
        for client_id, allowed_each in sorted(found.items()):
            client = await self._services.store.get(Client, context.id, client_id)
            if client is not None:
                connections.append(_together(client, allowed_each))
        return connections

    async def end(
        self, context: ServerContext, person: str, client_id: str, *, visit: Visit
    ) -> None:
        """End every token that *client_id* has of *person*; the next time it has to ask again."""
        await self._forget_consents(context, person, client_id, visit=visit)
        await end_grants_of(
            self._services,
            context,
            person,
            client_id=client_id,
            because=DISCONNECTED,
            visit=visit,
            actor=Actor(ActorKind.PERSON, person, visit.peer or None),
        )

    async def _forget_consents(
        self, context: ServerContext, person: str, client_id: str, *, visit: Visit
    ) -> None:
        given = [
            consent
            async for consent in self._consents(context, person)
            if consent.client_id == client_id
        ]
        if not given:
            return
        actor = Actor(ActorKind.PERSON, person, visit.peer or None)
        event = an_event(
            Occasion(context.id, self._services.clock.now(), actor, visit.request_id or None),
            Tag.CONSENT_WITHDRAWN,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            client_id=client_id,
            detail={"person": person},
        )
        deletions = tuple(Delete(Consent.kind, context.id, consent.key) for consent in given)
        await self._services.store.commit(Changes(deletions=deletions, events=(event,)))

    def _consents(self, context: ServerContext, person: str) -> AsyncIterator[Consent]:
        return below(self._services.store, Consent, context.id, prefix=f"{person}:")

    async def _living_grants(self, context: ServerContext, person: str) -> AsyncIterator[Grant]:
        now, store = self._services.clock.now(), self._services.store
        async for lead in below(store, GrantOfPerson, context.id, prefix=f"{person}:"):
            grant = await store.get(Grant, context.id, lead.grant)
            if grant is not None and grant.revoked_at is None and now < grant.expires_at:
                yield grant


def _together(client: Client, allowed: list[_Allowed]) -> Connection:
    used = [used_at for _, _, used_at in allowed if used_at is not None]
    return Connection(
        client=client,
        host=_host_of(client),
        scope=tuple(dict.fromkeys(name for scope, _, _ in allowed for name in scope)),
        since=min(since for _, since, _ in allowed),
        used_at=max(used, default=None),
    )


def _host_of(client: Client) -> str:
    for uri in client.metadata.get("redirect_uris") or ():
        scheme, _, rest = str(uri).partition(":")
        return host_of(uri) if rest.startswith("//") and scheme.startswith("http") else scheme
    return ""
