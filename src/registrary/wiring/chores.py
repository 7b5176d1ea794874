"""What a server does by the clock for the issuers it shows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from registrary.jobs.key_rotation import KeyRotation
from registrary.jobs.outbox import Outbox
from registrary.jobs.presence import Presence
from registrary.jobs.purging import Purge
from registrary.jobs.schedule import Job
from registrary.jobs.sequencer import Sequencer
from registrary.jobs.sweeps import CountKeeper, sweep_expired, uncounted
from registrary.ports.clock import Clock, Entropy
from registrary.ports.store import Store
from registrary.registrar.counting import Counting
from registrary.wiring.directory import Directory

SEQUENCE_EVERY: Final = timedelta(milliseconds=500)  # the log promises one second
COUNT_EVERY: Final = timedelta(seconds=60)
ROTATE_EVERY: Final = timedelta(minutes=1)
SWEEP_EVERY: Final = timedelta(minutes=5)
BEHIND: Final = timedelta(minutes=5)  # so much a node's clock may be, and takes nothing twice
DELIVER_EVERY: Final = timedelta(milliseconds=500)  # what this process wrote goes out at once
TELL_EVERY: Final = timedelta(seconds=5)


async def its_own(now: datetime) -> datetime:
    """Return *now*: nobody else has to agree."""
    return now


@dataclass(frozen=True, slots=True)
class Stopped:
    """A clock that shows one moment."""

    moment: datetime

    def now(self) -> datetime:
        """Return that moment."""
        return self.moment


@dataclass(frozen=True, slots=True)
class Chores:
    """The timed work of one process; any number of processes may do it on one store.

    What is single is saved where processes know which of them leads. *agreed* says up to when
    all of them take things to have expired.
    """

    store: Store
    clock: Clock
    entropy: Entropy
    directory: Directory
    rotation: KeyRotation
    sequencer: Sequencer
    counts: Sequence[Counting]
    presence: Presence
    purge: Purge
    outbox: Outbox
    note_swept: Callable[[str, int], None] = uncounted
    agreed: Callable[[datetime], Awaitable[datetime]] = its_own

    def jobs(self) -> list[Job]:
        """Return the jobs; the last puts into the log what the others wrote."""
        return [
            Job("keys", ROTATE_EVERY, self.rotate_keys, single=True),
            Job("sweep", SWEEP_EVERY, self.sweep, single=True),
            Job("outbox", DELIVER_EVERY, self.deliver, at_once=True, last=self.outbox.finish),
            Job("counts", COUNT_EVERY, self.write_counts),
            Job("presence", TELL_EVERY, self.begin, at_once=True, last=self.presence.end),
            Job("sequencer", SEQUENCE_EVERY, self.sequence, single=True),
        ]

    async def rotate_keys(self) -> None:
        """Make, renew and retire signing keys as they are due."""
        # A clock that is ahead would retire keys whose tokens are good elsewhere.
        moment = await self.agreed(self.clock.now())
        for site in self.directory.sites:
            await self.rotation.run(site.issuer, self.entropy, moment=moment)

    async def sweep(self) -> None:
        """Remove what expired, and what revoked clients left long ago."""
        # A clock that is ahead would remove what tells others that a token is revoked, or used.
        end = await self.agreed(self.clock.now())
        ended = Stopped(end - BEHIND)
        for site in self.directory.sites:
            await sweep_expired(self.store, ended, site.issuer, note=self.note_swept)
            await self.purge.run(site.issuer, end=end)

    async def deliver(self) -> None:
        """Send what is owed to others, whoever wrote it."""
        for site in self.directory.sites:
            await self.outbox.run(site.issuer.id)

    async def write_counts(self) -> None:
        """Write down what was only counted."""
        keeper = CountKeeper(self.store, self.clock, self.entropy)
        for counting in self.counts:
            await keeper.write(counting, COUNT_EVERY)

    async def begin(self) -> None:
        """Tell new logs that they are kept from now on."""
        await self.presence.begin(site.issuer for site in self.directory.sites)

    async def sequence(self) -> None:
        """Give every event its place in its log."""
        for site in self.directory.sites:
            await self.sequencer.run(site.issuer)
