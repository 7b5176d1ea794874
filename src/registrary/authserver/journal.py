"""Events about what clients did at the endpoints of the authorization server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registrary.authserver.context import ServerContext
from registrary.authserver.presented import Visit
from registrary.core.client import Client
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Event, Tag
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.clock import Clock, Entropy


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
