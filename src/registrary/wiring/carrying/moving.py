"""Moving a store from one kind of database to another, with everything that is in it."""

from collections.abc import AsyncIterator

import msgspec

from registrary.config import Settings, SettingsError
from registrary.config.store_url import store_url
from registrary.ports.transfer import Row, Snapshot
from registrary.wiring.carrying.backup_file import Progress, Stages
from registrary.wiring.carrying.export_file import SECTIONS, ExportError, Header
from registrary.wiring.carrying.exporting import Extent, header_of
from registrary.wiring.carrying.filling import Carried, Load, LogHead, fill, verified_logs
from registrary.wiring.carrying.importing import mark_of
from registrary.wiring.carrying.key_places import key_ids_of
from registrary.wiring.carrying.places import open_place


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What was moved: the target as it is now, and the logs of the source, which are the same."""

    source: str
    source_logs: tuple[LogHead, ...]
    target: Carried


async def move_store(settings: Settings, source_url: str, *, stages: Stages) -> Moved:
    """Copy the store at *source_url* into the empty one of *settings*, and verify both.

    The source is held still: nobody writes to it meanwhile, and it is as it was afterwards.
    Where an earlier move of the same store was interrupted, this one goes on. Raises
    `ExportError`, `KeysUnusable`, `StoreUnavailable` (as when the source is in use).
    """
    source_settings = msgspec.structs.replace(settings, store=source_url)
    if store_url(source_settings) == store_url(settings):
        raise SettingsError("--from and --store are one and the same store")
    async with (
        open_place(source_settings, create=False) as source,
        source.archive.at_rest() as snapshot,
    ):
        if await source.archive.mark() is not None:
            raise ExportError(f"{source.archive.name} is the half of an unfinished import")
        keys = await source.keys.document()
        if keys is None:
            raise ExportError(f"the {source.keys.name} is missing; without it nothing works")
        header = await header_of(
            snapshot, extent=Extent(keys=True), key_ids=key_ids_of(keys), keys="plain"
        )
        source_logs = await verified_logs(await source.store(), stages=stages)
        mark = mark_of(header, {log.issuer: log.root for log in source_logs})
        load = Load(header=header, digests=None, mark=mark, keys=keys)
        async with open_place(settings, create=True) as target:
            pages = _pages(snapshot, header, stages("copying"))
            carried = await fill(target, load, pages, stages=stages)
    if source_logs != carried.logs:
        raise ExportError("the logs of source and target are not the same")
    return Moved(source=source.archive.name, source_logs=source_logs, target=carried)


async def _pages(
    snapshot: Snapshot, header: Header, progress: Progress
) -> AsyncIterator[tuple[str, list[Row]]]:
    done = 0
    for section in SECTIONS:
        async for rows in snapshot.rows(section):
            yield section, list(rows)
            done += len(rows)
            progress(done, header.rows)
