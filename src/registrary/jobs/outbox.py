"""Delivers what the server owes to others: each message at least once, or not within a day."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from registrary.core.changes import Changes, Delete, Put, Unchanged
from registrary.core.deliveries import Message
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Event, Tag
from registrary.jobs.envelopes import Envelopes, Obstacle
from registrary.jobs.patience import Absences, Patience
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.clock import Clock, Entropy
from registrary.ports.fetcher import Refusal
from registrary.ports.keys import NoSigningKey, UnsealError
from registrary.ports.messenger import Delivered, Messenger, Undelivered
from registrary.ports.store import Conflict, Store, StoreUnavailable

BATCH: Final = 200  # messages looked at together
LEASE: Final = timedelta(seconds=15)  # longer than an attempt takes; then another process may try
CROWDED: Final = timedelta(seconds=2)  # what waits behind others of its host
PAUSED: Final = timedelta(seconds=20)  # what waits for its stream
FLIGHTS_LIMIT: Final = 128  # attempts under way at once
FLIGHTS_TO_HOST: Final = 16  # of them to one host: the others of a batch come later
STOP_SECONDS: Final = 2.0  # given to what is under way when the server stops
_ABSENT: Final = frozenset(
    {Refusal.DEADLINE, Refusal.CONNECTION, Refusal.UNRESOLVED, Refusal.ADDRESS, Refusal.BUDGET}
)

_log: Final = logging.getLogger("registrary.outbox")

NoteOutcome = Callable[[str, str], None]
"""Counts an attempt: its purpose, and what came of it."""


class Outbox:
    """Sends messages that are due. Any number of processes may do it on one store.

    An attempt begins with a lease: whoever moved the message's due time is the one to send it.
    A process that dies in between leaves a message that is due again when the lease ends.
    """

    def __init__(
        self,
        store: Store,
        messenger: Messenger,
        envelopes: Envelopes,
        *,
        clock: Clock,
        entropy: Entropy,
        note: NoteOutcome,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._envelopes = envelopes
        self._clock = clock
        self._entropy = entropy
        self._note = note
        self._patience = Patience(entropy)
        self._absences = Absences()
        self._rounds: dict[str, asyncio.Task[None]] = {}
        self._called: set[str] = set()
        self._flights: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._to_host: Counter[str] = Counter()

    def wake(self, issuer: str) -> None:
        """Begin to send what is due for *issuer*, as it was just written."""
        self._called.add(issuer)
        if issuer not in self._rounds:
            self._rounds[issuer] = self._in_background(self._while_called(issuer))

    async def run(self, issuer: str) -> None:
        """Begin an attempt at every message of *issuer* that is due, as far as there is room."""
        while len(self._flights) < FLIGHTS_LIMIT:
            now = self._clock.now()
            due = await self._store.expired(Message, issuer, now=now, limit=BATCH)
            fresh = [message for message in due if (issuer, message.id) not in self._flights]
            put_off = [put for message in fresh if (put := self._begin(message)) is not None]
            if put_off:
                await self._put_off(put_off)
            if len(due) < BATCH or not put_off:
                return

    async def finish(self, *, seconds: float = STOP_SECONDS) -> None:
        """Give what is under way a moment to end; what does not is left to its lease."""
        tasks = [*self._rounds.values(), *self._flights.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _while_called(self, issuer: str) -> None:
        try:
            while issuer in self._called:
                self._called.discard(issuer)
                await self.run(issuer)
        finally:
            # Here and not when the task is seen to be done: a call in between would be lost.
            del self._rounds[issuer]

    def _begin(self, message: Message) -> Put | None:
        """Begin an attempt, or return *message* as it is due later."""
        now, host = self._clock.now(), _host_of(message)
        away_until = self._absences.until(host)
        if away_until is not None and now < away_until:
            return _due_in(message, away_until - now + self._patience.some_of(CROWDED), now=now)
        if self._to_host[host] >= FLIGHTS_TO_HOST or len(self._flights) >= FLIGHTS_LIMIT:
            return _due_in(message, self._patience.some_of(CROWDED), now=now)
        self._to_host[host] += 1
        task = self._in_background(self._attempt(message))
        self._flights[message.issuer, message.id] = task
        task.add_done_callback(lambda _: self._land(message))
        return None

    def _land(self, message: Message) -> None:
        del self._flights[message.issuer, message.id]
        self._to_host -= Counter([_host_of(message)])

    async def _put_off(self, puts: Sequence[Put]) -> None:
        """Write all of *puts*, each for itself; one that another process sends is left to it."""
        commits = [self._store.commit(Changes(puts=(put,))) for put in puts]
        for outcome in await asyncio.gather(*commits, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, Conflict):
                raise outcome

    async def _attempt(self, message: Message) -> None:
        """Take the lease of *message*, send it, and write down what came of it."""
        now = self._clock.now()
        taken = msgspec.structs.replace(message, attempts=message.attempts + 1)
        lease = _due_in(taken, LEASE, now=now)
        try:
            await self._store.commit(Changes(puts=(lease,)))
        except Conflict:
            return  # another process was faster
        leased = msgspec.structs.replace(
            taken, expires_at=now + LEASE, revision=message.revision + 1
        )
        try:
            await self._settle(leased, await self._sent(leased))
        except Conflict:
            return  # it took longer than the lease, and somebody else does it again

    async def _sent(self, message: Message) -> Delivered | Undelivered | Obstacle:
        try:
            envelope = await self._envelopes.make(message)
        except (NoSigningKey, UnsealError) as error:
            _log.error("%s cannot be made: %s", message.purpose, error)
            return Undelivered(Refusal.CONTENT, "it cannot be signed or addressed")
        if isinstance(envelope, Obstacle):
            return envelope
        outcome = await self._messenger.post(envelope.url, envelope.post, purpose=envelope.purpose)
        host = _host_of(message)
        if isinstance(outcome, Undelivered) and outcome.refusal in _ABSENT:
            self._absences.missed(host, now=self._clock.now())
        else:
            self._absences.returned(host)
        return outcome

    async def _settle(self, message: Message, outcome: Delivered | Undelivered | Obstacle) -> None:
        now = self._clock.now()
        if isinstance(outcome, Delivered):
            await self._remove(message, "delivered")
        elif outcome is Obstacle.GONE:
            await self._remove(message, "dropped")
        elif now >= message.give_up_at:
            _log.warning("%s to %s: given up", message.purpose, _host_of(message))
            await self._remove(message, "given_up", self._given_up(message))
        elif outcome is Obstacle.PAUSED:
            waits = msgspec.structs.replace(message, attempts=message.attempts - 1)
            later = _due_in(waits, self._patience.some_of(PAUSED), now=now)
            await self._store.commit(Changes(puts=(later,)))
        else:
            self._note(message.purpose, "failed")
            delay = min(self._patience.after(message.attempts), message.give_up_at - now)
            await self._store.commit(Changes(puts=(_due_in(message, delay, now=now),)))

    async def _remove(self, message: Message, outcome: str, *events: Event) -> None:
        await self._store.commit(
            Changes(
                deletions=(Delete(Message.kind, message.issuer, message.key),),
                unchanged=(Unchanged(Message.kind, message.issuer, message.key, message.revision),),
                events=events,
            )
        )
        self._note(message.purpose, outcome)

    def _given_up(self, message: Message) -> Event:
        return an_event(
            Occasion(message.issuer, self._clock.now(), Actor(ActorKind.SYSTEM)),
            Tag.MESSAGE_GIVEN_UP,
            draw=Draw(self._entropy.token_bytes(EVENT_DRAW_BYTES)),
            outcome="failed",
            detail={
                "purpose": message.purpose,
                "about": message.about,
                "host": _host_of(message),
                "attempts": message.attempts,
            },
        )

    # Any: what a coroutine takes and gives while it runs, which nobody here uses
    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(_guarded(work))


# Any: as above
async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    """Await *work*; whatever happens, the message is due again when its lease ends."""
    try:
        await work
    except StoreUnavailable as error:
        _log.error("a delivery is put off: %s", error)
    except Exception:  # noqa: BLE001 - the boundary of all deliveries: the next may succeed
        _log.exception("a delivery failed")


def _due_in(message: Message, delay: timedelta, *, now: datetime) -> Put:
    """Return *message* as it is due in *delay*, if nobody wrote it meanwhile."""
    later = msgspec.structs.replace(message, expires_at=now + delay, revision=message.revision + 1)
    return Put(later, expected=message.revision)


def _host_of(message: Message) -> str:
    """Return host and port: two receivers on one machine have nothing to do with each other."""
    return urlsplit(message.url).netloc
