"""Bringing rows into an empty store, holding the store against their source, and freeing it."""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from registrary.audit.verify import Delays
from registrary.core.changes import NO_LIMIT, Changes, Consume
from registrary.core.events import Event
from registrary.ports.kept_store import KeptStore
from registrary.ports.transfer import MARK, Archive, Row
from registrary.wiring.carrying.backup_file import Stages
from registrary.wiring.carrying.export_file import (
    SECTIONS,
    Digests,
    ExportError,
    Header,
    line_of_row,
)
from registrary.wiring.carrying.key_places import KeyPlace, key_ids_of
from registrary.wiring.carrying.places import Place
from registrary.wiring.health import demand_keys
from registrary.wiring.log_reading import verify_kept_log

_HOWEVER_LONG: Final = timedelta(days=36_500)
DELAYS_OF_A_COPY: Final = Delays(merge=_HOWEVER_LONG, checkpoint=_HOWEVER_LONG)
"""What waited for its index when a copy was made has waited ever since: no fault of the log."""

FAULTS_SHOWN: Final = 5

Note = Callable[[str], Event]
"""Makes an event for the log of the issuer with this id."""

Pages = AsyncIterator[tuple[str, list[Row]]]
"""The rows of each section in turn, some at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a store is filled with.

    *digests* are those of the sections; None where they are only known when all rows have gone
    by. *mark* tells this load from others. *keys* is the key document that goes with it, None
    if the keys are there already. *note* makes the event that tells of it, for each issuer.
    """

    header: Header
    digests: Mapping[str, str] | None
    mark: int
    keys: bytes | None
    note: Note | None = None


class LogHead(msgspec.Struct, frozen=True, kw_only=True):
    """Where the log of one issuer stands, as its newest checkpoint says: *root* is base64."""

    issuer: str
    events: int
    size: int
    root: str
    checkpoints: int


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What a store was filled with. *kept_keys* is where keys that were there before lie now."""

    store: str
    rows: dict[str, int]
    digests: dict[str, str]
    logs: tuple[LogHead, ...]
    keys: str
    kept_keys: str | None = None


async def fill(place: Place, load: Load, pages: Pages, *, stages: Stages) -> Carried:
    """Write *pages* to the store at *place*, verify it against *load*, and free it to be used.

    Raises `ExportError` when it holds something else, or is not the same afterwards; it bears
    its mark then and nobody uses it.
    """
    begun = await _begin(place, load)
    kept_keys = await _bring_keys(place.keys, load, may_replace=not begun)
    gone_by = await _write(place.archive, load.header, pages)
    digests = await digests_of(place.archive, stages=stages)
    demand_equal(load.digests or gone_by, digests)
    logs = await verified_logs(await place.store(), stages=stages)
    if load.header.credentials:
        await _try_keys(place)
    await _free(place, load)
    return Carried(
        store=place.archive.name,
        rows=load.header.counts,
        digests=digests,
        logs=logs,
        keys=place.keys.name,
        kept_keys=kept_keys,
    )


async def _begin(place: Place, load: Load) -> bool:
    """Mark the store as being filled and tell whether it was already."""
    mark = await place.archive.mark()
    if mark == load.mark:
        return True
    if mark is not None:
        raise ExportError(
            f"{place.archive.name} holds the half of an import of something else, or its source "
            "was changed since; remove that store and begin with an empty one"
        )
    async with place.archive.snapshot() as snapshot:
        for section in SECTIONS:
            if await snapshot.count(section):
                raise ExportError(
                    f"{place.archive.name} holds {section} records already; only an empty store "
                    "is filled"
                )
    await place.archive.set_mark(load.mark)
    return False


async def _bring_keys(place: KeyPlace, load: Load, *, may_replace: bool) -> str | None:
    """See to it that the keys the rows need are there; return where others were set aside."""
    there = await place.document()
    needed = set(load.header.key_ids)
    if there is not None and needed <= set(key_ids_of(there)):
        return None
    if load.keys is None or not needed <= set(key_ids_of(load.keys)):
        raise ExportError(
            f"the keys are not here: neither the {place.name} nor what is imported has those that "
            "the records need; --keys FILE names the key file of the store they are from"
        )
    if there is not None and not may_replace:
        raise ExportError(f"the {place.name} holds other keys than it did; put the former back")
    return await place.keep(load.keys)


async def _write(archive: Archive, header: Header, pages: Pages) -> dict[str, str]:
    """Write what is not there yet and return the digests of all that went by."""
    digests = Digests()
    async with archive.snapshot() as snapshot:
        there = {section: await snapshot.count(section) for section in SECTIONS}
    async for section, rows in pages:
        digests.add(section, [line_of_row(section, row) for row in rows])
        if there[section] < header.counts[section]:
            await archive.insert(section, rows)
    return digests.all()


async def digests_of(archive: Archive, *, stages: Stages) -> dict[str, str]:
    """Return the digests of what a store holds, section by section."""
    digests, progress, done = Digests(), stages("comparing"), 0
    async with archive.snapshot() as snapshot:
        total = sum([await snapshot.count(section) for section in SECTIONS])
        for section in SECTIONS:
            async for rows in snapshot.rows(section):
                digests.add(section, [line_of_row(section, row) for row in rows])
                done += len(rows)
                progress(done, total)
    return digests.all()


def demand_equal(expected: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Raise `ExportError` unless both stores hold the same in every section."""
    differing = [section for section in SECTIONS if expected.get(section) != found.get(section)]
    if differing:
        raise ExportError(
            f"the store holds something else than its source, in {', '.join(differing)}; remove "
            "it and begin with an empty one"
        )


async def verified_logs(store: KeptStore, *, stages: Stages) -> tuple[LogHead, ...]:
    """Verify the whole log of every issuer and close *store*; raises `ExportError` for a fault."""
    try:
        return tuple(
            [await _verified(store, issuer.id, stages) for issuer in await store.issuers()]
        )
    finally:
        await store.close()


async def _verified(store: KeptStore, issuer_id: str, stages: Stages) -> LogHead:
    (issuer,) = [issuer for issuer in await store.issuers() if issuer.id == issuer_id]
    verdict = await verify_kept_log(
        store, issuer, delays=DELAYS_OF_A_COPY, progress=stages("verifying")
    )
    if not verdict.is_sound:
        faults = "\n  ".join(str(fault) for fault in verdict.faults[:FAULTS_SHOWN])
        raise ExportError(f"the audit log of {issuer.url} is damaged\n  {faults}")
    return LogHead(
        issuer=issuer.url,
        events=verdict.events,
        size=verdict.size,
        root=b64encode(verdict.root).decode(),
        checkpoints=verdict.checkpoints,
    )


async def _free(place: Place, load: Load) -> None:
    """Take the mark away, in one commit with what is to be noted."""
    if load.note is None:
        await place.archive.set_mark(None)
        return
    store = await place.store()
    try:
        events = tuple([load.note(issuer.id) for issuer in await store.issuers()])
        lifting = Consume(*MARK, limit=NO_LIMIT, amount=-load.mark)
        await store.commit(Changes(events=events, consumptions=(lifting,)))
    finally:
        await store.close()


async def _try_keys(place: Place) -> None:
    vault = await place.vault()
    try:
        await demand_keys(vault)
    finally:
        await vault.store.close()
