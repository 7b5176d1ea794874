"""Writing events: who did what to which client, with before and after, never a secret."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from registrary.core.client import Client
from registrary.core.entropy import Draw
from registrary.core.events import Actor, Event, FieldChange, Tag
from registrary.core.ids import new_event_id

EVENT_DRAW_BYTES: Final = 26  # 10 for the id, 16 for the salt


class Occasion(msgspec.Struct, frozen=True):
    """What all events of one request share."""

    issuer: str
    now: datetime
    actor: Actor
    request_id: str | None = None


def an_event(
    occasion: Occasion,
    tag: Tag,
    *,
    draw: Draw,
    client_id: str | None = None,
    outcome: str = "success",
    reason: str | None = None,
    changes: Mapping[str, FieldChange] | None = None,
    detail: Mapping[str, Any] | None = None,  # values are JSON, whose type Python cannot say
) -> Event:
    """Return an event of *occasion*; spends `EVENT_DRAW_BYTES` of *draw*."""
    return Event(
        id=new_event_id(occasion.now, draw),
        issuer=occasion.issuer,
        time=occasion.now,
        tag=tag,
        actor=occasion.actor,
        client_id=client_id,
        outcome=outcome,
        reason=reason,
        request_id=occasion.request_id,
        changes=dict(changes or {}),
        detail=dict(detail or {}),
        salt=draw.take(16),
    )


def metadata_changes(before: Client | None, after: Client) -> dict[str, FieldChange]:
    """Return the members whose value differs, with where the new value came from.

    Client metadata holds no secret: credentials are kept apart from it.
    """
    source_of = after.provenance.get
    if before is None:
        return {
            name: FieldChange(None, value, source_of(name, "client"))
            for name, value in after.metadata.items()
        }
    old = before.metadata
    changes = {
        name: FieldChange(old.get(name), value, source_of(name, "client"))
        for name, value in after.metadata.items()
        if name not in old or old[name] != value
    }
    for name, value in old.items():
        if name not in after.metadata:
            changes[name] = FieldChange(value, None)
    return changes
