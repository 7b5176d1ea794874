"""Whatever a store holds comes through a file, through the other database, and is the same."""

import asyncio
import io
import itertools
import tempfile
from pathlib import Path

import hypothesis
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from registrary.core.changes import NO_LIMIT, Changes, Consume, Put, Record
from registrary.core.events import Event
from registrary.testing.factories import ISSUER_ID, an_event
from registrary.testing.server import SQLITE, RunStores
from registrary.wiring.adapters import open_vault
from registrary.wiring.carrying.export_file import line_of_row, row_of_line
from registrary.wiring.carrying.export_reading import ExportReading
from registrary.wiring.carrying.exporting import Extent, write_export
from registrary.wiring.carrying.places import Place, open_place
from registrary.wiring.carrying.stripping import stays, stripped
from tests.property.records import JSON, TEXTS, records
from tests.unit.cli.kit import Office

numbers = itertools.count()

different_records = st.lists(
    records(), max_size=12, unique_by=lambda one: (one.kind, one.issuer, one.key)
)
counters = st.dictionaries(TEXTS, st.integers(1, 2**60), max_size=4)
details = st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=2), max_size=3)


def untold(_stage: str):
    """Nobody waits to be told."""
    return lambda _done, _total: None


async def lines_of(place: Place) -> list[bytes]:
    """Export a store and return all lines but those that have the time in them."""
    stream = io.BytesIO()
    await write_export(place, stream, extent=Extent(keys=True), stages=untold)
    return stream.getvalue().splitlines(keepends=True)


async def pour(lines: list[bytes], place: Place) -> None:
    """Write an export into a store."""
    reading = ExportReading(io.BytesIO(b"".join(lines)))
    for section, rows in reading.pages(untold("")):
        await place.archive.insert(section, rows)
    assert reading.keys is not None
    assert reading.keys.plain is not None
    await place.keys.keep(reading.keys.plain)


async def carry(
    content: tuple[list[Record], dict[str, int], list[Event]], file: Office, database: Office
) -> tuple[list[bytes], list[bytes]]:
    """Store *content* in a file, carry it into a database, and export both."""
    kept, counted, events = content
    vault = await open_vault(file.settings, create=True)
    await vault.store.commit(
        Changes(
            puts=tuple(Put(record) for record in kept),
            events=tuple(events),
            consumptions=tuple(
                Consume(ISSUER_ID, name, NO_LIMIT, used) for name, used in counted.items()
            ),
        )
    )
    await vault.store.close()
    async with (
        open_place(file.settings, create=False) as source,
        open_place(database.settings, create=True) as target,
    ):
        first = await lines_of(source)
        await pour(first, target)
        return first, await lines_of(target)


@pytest.mark.only_on("postgres", because="it is the other database")
@hypothesis.settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(different_records, counters, details)
def test_a_store_is_the_same_after_two_files_and_a_database(stores: RunStores, kept, counted, said):
    """No kind, no text and no moment is lost or changed on the way."""
    events = [an_event(detail=detail) for detail in said]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / str(next(numbers))
        file, database = Office(place / "file", SQLITE), Office(place / "database", stores)
        file.folder.mkdir(parents=True)
        try:
            first, second = asyncio.run(carry((kept, counted, events), file, database))
        finally:
            stores.drop(database.folder)

    assert first[1:-1] == second[1:-1]
    assert 2 + len(kept) + len(counted) + len(events) + bool(events) == len(first) - 1


@given(different_records)
def test_a_copy_without_credentials_is_made_of_any_record(kept):
    """Whatever stands in a store, a copy for tests can be made, and read again."""
    for record in kept:
        row = row_of(record)
        if stays(record.kind):
            left = stripped(record.kind, row)

            assert row[:3] == left[:3]
            assert line_of_row(record.kind, left)


def row_of(record: Record):
    """Return a record as a store gives it."""
    return row_of_line(record.kind, msgspec.Raw(msgspec.json.encode(record)))
