"""Events about what clients did at the endpoints of the authorization server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registrary.authserver.context import ServerContext
from registrary.authserver.presented import Refusal, Visit
from registrary.core.addresses import source_key
from registrary.core.changes import Changes
from registrary.core.client import Client
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Event, Tag
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.clock import Clock, Entropy
from registrary.ports.counter import Counter
from registrary.ports.store import Store


@dataclass(frozen=True, slots=True)
class Journal:
    """Writes events; the caller commits them with what they explain."""

    clock: Clock
    entropy: Entropy

    def event(
        self,
        context: ServerContext,
        client: Client,
        tag: Tag,
        *,
        visit: Visit,
        reason: str | None = None,
        detail: Mapping[str, Any] | None = None,  # values are JSON, whose type Python cannot say
    ) -> Event:
        """Return the event that *client* did what *tag* says; with *reason* it was refused."""
        return an_event(
            Occasion(
                context.id,
                self.clock.now(),
                Actor(ActorKind.CLIENT, client.client_id, visit.peer or None),
                visit.request_id or None,
            ),
            tag,
            draw=Draw(self.entropy.token_bytes(EVENT_DRAW_BYTES)),
            client_id=client.client_id,
            outcome="success" if reason is None else "refused",
            reason=reason,
            detail=detail,
        )


@dataclass(frozen=True, slots=True)
class Refusals:
    """Writes down what was refused: events about clients that proved themselves, else counts.

    A client without a secret proves nothing, so anybody could fill the log in its name; one
    with a secret could fill it itself, so what it repeats within a minute is counted too.
    *counter* None counts nothing.
    """

    store: Store
    journal: Journal
    counter: Counter | None = None

    async def note(
        self,
        context: ServerContext,
        client: Client,
        refusal: Refusal,
        *,
        visit: Visit,
        tag: Tag = Tag.TOKEN_REFUSED,
        detail: Mapping[str, Any] | None = None,  # values are JSON, whose type Python cannot say
    ) -> None:
        """Write down that *client* was refused what *tag* says."""
        if client.metadata.get("token_endpoint_auth_method") == "none":
            self.count(context, refusal, visit=visit)
            return
        what = f"{tag.value} {refusal.code}"
        if self.counter and self.counter.repeats(context.id, client.client_id, what):
            return
        facts = {"endpoint": visit.endpoint, "standing": client.standing.value} | dict(detail or {})
        event = self.journal.event(
            context, client, tag, visit=visit, reason=refusal.code, detail=facts
        )
        await self.store.commit(Changes(events=(event,)))

    def count(self, context: ServerContext, refusal: Refusal, *, visit: Visit) -> None:
        """Count what a stranger was refused, by where it came from."""
        if self.counter is not None:
            source = source_key(visit.peer) if visit.peer else "unknown"
            self.counter.note(context.id, source, refusal.code)
