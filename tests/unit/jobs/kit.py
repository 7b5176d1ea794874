"""What the tests of this folder share."""

from typing import Any

import msgspec

from registrary.storage.memory.store import MemoryStore


async def events(store: MemoryStore, issuer: str) -> list[dict[str, Any]]:
    """Return the bodies of all events of *issuer*, oldest first."""
    waiting = await store.waiting(issuer, limit=10_000)
    kept = [await store.event(issuer, one.event_id) for one in waiting]
    return [msgspec.json.decode(one.body) for one in kept if one and one.body]
