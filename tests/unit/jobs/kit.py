"""What the tests of this folder share."""

import asyncio
from collections import defaultdict
from typing import Any
from urllib.parse import urlsplit

import msgspec

from registrary.ports.messenger import Delivered, Undelivered
from registrary.storage.memory.store import MemoryStore


async def events(store: MemoryStore, issuer: str) -> list[dict[str, Any]]:
    """Return the bodies of all events of *issuer*, oldest first."""
    waiting = await store.waiting(issuer, limit=10_000)
    kept = [await store.event(issuer, one.event_id) for one in waiting]
    return [msgspec.json.decode(one.body) for one in kept if one and one.body]


class Receivers:
    """A messenger that reaches whoever a test wants: *answers* by host, 200 for all others."""

    def __init__(self):
        self.answers = defaultdict[str, Delivered | Undelivered](lambda: Delivered(200))
        self.seen: list[Any] = []  # Any: what a call was made with
        self.waits: dict[str, asyncio.Event] = {}
        self.arrived = defaultdict[str, asyncio.Event](asyncio.Event)

    async def post(self, url, post, *, purpose):
        """Take *post* down, and answer as its host does."""
        self.seen.append((url, post, purpose))
        host = urlsplit(url).netloc
        self.arrived[host].set()
        if host in self.waits:
            await self.waits[host].wait()
        return self.answers[host]

    @property
    def urls(self):
        """Return where was posted to, in order."""
        return [url for url, _, _ in self.seen]
