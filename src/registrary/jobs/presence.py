"""Tells each log when a server process began to keep it, and when it stopped."""

from collections.abc import Iterable, Sequence
from typing import Final

from registrary.core.changes import Changes
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Event, Tag
from registrary.core.issuer import Issuer
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.clock import Clock, Entropy
from registrary.ports.store import Store

_NAME_BYTES: Final = 4


class Presence:
    """What one process says of itself in the logs it keeps, under a name of its own.

    Two starts without a stop between them mean a crash, or a second process: the names tell.
    """

    def __init__(self, store: Store, clock: Clock, entropy: Entropy) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._name = entropy.token_bytes(_NAME_BYTES).hex()
        self._told: set[str] = set()

    async def begin(self, issuers: Iterable[Issuer]) -> None:
        """Say that the logs of *issuers* are kept from now on, in those that were not told."""
        new = [issuer.id for issuer in issuers if issuer.id not in self._told]
        await self._tell(new, Tag.SERVER_STARTED)
        self._told.update(new)

    async def end(self) -> None:
        """Say in every log that was told of the begin that this process stops."""
        await self._tell(sorted(self._told), Tag.SERVER_STOPPED)
        self._told.clear()

    async def _tell(self, issuers: Sequence[str], tag: Tag) -> None:
        if issuers:
            events = tuple(self._event(issuer, tag) for issuer in issuers)
            await self._store.commit(Changes(events=events))

    def _event(self, issuer: str, tag: Tag) -> Event:
        return an_event(
            Occasion(issuer, self._clock.now(), Actor(ActorKind.SYSTEM)),
            tag,
            draw=Draw(self._entropy.token_bytes(EVENT_DRAW_BYTES)),
            detail={"process": self._name},
        )
