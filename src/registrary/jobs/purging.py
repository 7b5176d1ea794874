"""Erases what is left of revoked clients when it was kept long enough."""

import asyncio
from datetime import datetime
from typing import Final

from registrary.core.changes import Changes, Put
from registrary.core.client import Client, purge
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.issuer import Issuer
from registrary.core.lifecycle import ClientState
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.clock import Clock, Entropy
from registrary.ports.store import Conflict, Store

PAGE: Final = 500  # clients looked at together, and as many purged in one run, or a few more
PAGES: Final = 20  # in one run: three million clients a day


class Purge:
    """Walks through all clients, some pages in each run, and begins again at the end.

    Who is due is seen within one round: that is eight hours for a million clients, and costs no
    index over those that are not.
    """

    def __init__(self, store: Store, clock: Clock, entropy: Entropy) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._places: dict[str, str | None] = {}

    async def run(self, issuer: Issuer, *, end: datetime | None = None) -> int:
        """Look at the next pages of *issuer*; return how many clients were purged.

        Those are that were to be kept until *end* at the latest, which is now unless told.
        """
        purged = 0
        for _ in range(PAGES):
            purged += await self._page(issuer, end or self._clock.now())
            if self._places[issuer.id] is None or purged >= PAGE:
                break
            await asyncio.sleep(0)  # others want answers too
        return purged

    async def _page(self, issuer: Issuer, end: datetime) -> int:
        page = await self._store.page(
            Client, issuer.id, after=self._places.get(issuer.id), limit=PAGE
        )
        self._places[issuer.id] = page.next_after
        kept = issuer.lifetimes.revoked_client
        due = [client for client in page.records if _is_due(client, end - kept)]
        return sum([await self._purge(client) for client in due])

    async def _purge(self, client: Client) -> bool:
        now = self._clock.now()
        event = an_event(
            Occasion(client.issuer, now, Actor(ActorKind.SYSTEM)),
            Tag.CLIENT_PURGED,
            draw=Draw(self._entropy.token_bytes(EVENT_DRAW_BYTES)),
            client_id=client.client_id,
        )
        put = Put(purge(client, now=now), expected=client.revision)
        try:
            await self._store.commit(Changes(puts=(put,), events=(event,)))
        except Conflict:
            return False  # another process was faster
        return True


def _is_due(client: Client, end: datetime) -> bool:
    """Tell whether *client* was revoked at *end* or before."""
    if client.state is not ClientState.REVOKED or client.revoked_at is None:
        return False
    return client.revoked_at <= end
