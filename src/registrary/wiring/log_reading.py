"""Verifying and exporting a kept log, page by page."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from registrary.audit.checkpoint import VerifierKey, log_origin, parse_note, parse_text
from registrary.audit.export import (
    Selection,
    checkpoint_line,
    end_line,
    event_line,
    header_line,
)
from registrary.audit.faults import Verdict
from registrary.audit.verify import Delays, LogVerifier, verdict_on_damage
from registrary.core.issuer import Issuer
from registrary.keys.signer import LocalSigner
from registrary.ports.audit_log import LoggedEvent
from registrary.ports.kept_store import KeptStore
from registrary.protocol.admin.proofs import InclusionProof, Prover
from registrary.registrar.log_keys import verifier_keys
from registrary.wiring.adapters import SystemClock
from registrary.wiring.offline import NoKeys

PAGE: Final = 1024  # events read at once
WAITING: Final = 100_000  # a server that was killed leaves a second's work, one that runs as much
# A command cannot tell whether a server runs: what waits is only a fault after a day.
DELAYS: Final = Delays(merge=timedelta(days=1), checkpoint=timedelta(days=1))

Progress = Callable[[int, int], None]
"""Is told how many events are done, and of how many."""


class Period(NamedTuple):
    """The time between *since* and before *until*; None is without end."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Tell whether *moment* lies in it."""
        if self.since is not None and moment < self.since:
            return False
        return self.until is None or moment < self.until


ALWAYS: Final = Period()


def untold(done: int, total: int) -> None:
    """Nobody waits to be told."""


async def keys_of_log(store: KeptStore, issuer: Issuer) -> list[VerifierKey]:
    """Return the keys that checkpoints of *issuer* may be signed with."""
    try:
        return await verifier_keys(LocalSigner(store, NoKeys()), issuer)
    except (KeyError, TypeError, ValueError):
        return []  # a key that is damaged verifies nothing: every checkpoint is a fault then


async def verify_kept_log(
    log: KeptStore, issuer: Issuer, *, delays: Delays = DELAYS, progress: Progress = untold
) -> Verdict:
    """Hold the whole kept log of *issuer* against what was signed."""
    damage = await log.damage_of_log()
    if damage:
        return verdict_on_damage(damage)
    size = await log.log_size(issuer.id)
    verifier = LogVerifier(
        issuer.id,
        log_origin(issuer.log_address),
        keys=await keys_of_log(log, issuer),
        head_size=size,
    )
    verifier.add_strays(await log.strays_of_log())
    await _add_checkpoints(log, issuer, verifier)
    while page := await log.events(issuer.id, first=verifier.size, limit=PAGE):
        before = verifier.size
        verifier.add_events(page)
        await _check_tiles(log, issuer, verifier)
        progress(verifier.size, max(size, verifier.size))
        if verifier.size <= before:
            break
    verifier.end_of_events()
    await _check_tiles(log, issuer, verifier)
    waiting = await log.waiting(issuer.id, limit=WAITING)
    for event_id in (entry.event_id for entry in waiting):
        entry = await log.event(issuer.id, event_id)
        if entry is not None:
            verifier.check_waiting(entry)
    return verifier.verdict(
        head_size=await log.log_size(issuer.id),
        waiting=waiting,
        now=SystemClock().now(),
        delays=delays,
    )


async def _add_checkpoints(log: KeptStore, issuer: Issuer, verifier: LogVerifier) -> None:
    while True:
        claimed = verifier.claimed_size
        notes = await log.checkpoints(issuer.id, after_size=claimed, limit=PAGE)
        verifier.add_checkpoints(notes)
        if len(notes) < PAGE or verifier.claimed_size == claimed:
            return


async def _check_tiles(log: KeptStore, issuer: Issuer, verifier: LogVerifier) -> None:
    for level, index in verifier.due_tiles():
        tile = await log.tile(issuer.id, level, index)
        verifier.check_tile((level, index), tile.hashes if tile else None)


async def prove_event(log: KeptStore, issuer: Issuer, event_id: str) -> InclusionProof:
    """Prove that an event is in the log. Raises `NotFound`, and `NotPossible` while it waits."""
    return await Prover(issuer, log, await keys_of_log(log, issuer)).inclusion(event_id)


async def export_lines(
    log: KeptStore, issuer: Issuer, period: Period = ALWAYS, *, progress: Progress = untold
) -> AsyncIterator[bytes]:
    """Yield the lines of an export up to the newest checkpoint.

    Of a part of the time each event comes with its proof; all of it proves itself.
    """
    prover = Prover(issuer, log, await keys_of_log(log, issuer))
    selection: Selection = "complete" if period == ALWAYS else "subset"
    note = await log.checkpoint(issuer.id)
    size = parse_text(parse_note(note).text).size if note else 0
    yield header_line(
        issuer.id, log_origin(issuer.log_address), keys=prover.keys, selection=selection
    )
    if note and selection == "subset":
        yield checkpoint_line(note)
    count = 0
    async for event in _events_below(log, issuer, size, progress=progress):
        if period.holds(event.time):
            count += 1
            yield event_line(event) if period == ALWAYS else await prover.line(event, size)
    if note and selection == "complete":
        yield checkpoint_line(note)
    yield end_line(events=count, checkpoints=1 if note else 0)


async def _events_below(
    log: KeptStore, issuer: Issuer, size: int, *, progress: Progress
) -> AsyncIterator[LoggedEvent]:
    first = 0
    while first < size:
        page = await log.events(issuer.id, first=first, limit=min(PAGE, size - first))
        for event in page:
            yield event
        first += len(page)
        progress(first, size)
        if not page:
            break
