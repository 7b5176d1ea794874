"""A store as rows, for whoever carries all of it elsewhere: export, import, moving.

A store is read and written section by section. The sections are one for each kind of record, by
its name, and those of `OTHER_SECTIONS`. A row is a tuple, of a record ``(issuer, key, revision,
expires_at, record)`` with the record as the JSON that is kept, moments in microseconds since 1970
and None where there is none. Rows come in the order of the columns that `KEY_COLUMNS` counts,
texts compared by their octets, so that two stores which hold the same say the same.

``counter``
    ``(issuer, name, used)``
``event_log``
    ``(issuer, size)``; *size* is how many leaves the log has.
``event``
    ``(issuer, place, event_id, time, client_id, body, salt, leaf_hash)``. The places below the
    log's size are the indexes of the leaves; those from there on wait, in this order.
``tile``
    ``(issuer, level, number, hashes)``
``checkpoint``
    ``(issuer, size, note)``
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol, TypeAlias

Row: TypeAlias = tuple[str | int | bytes | None, ...]

COUNTERS: Final = "counter"
LOGS: Final = "event_log"
EVENTS: Final = "event"
TILES: Final = "tile"
CHECKPOINTS: Final = "checkpoint"

OTHER_SECTIONS: Final = (COUNTERS, LOGS, EVENTS, TILES, CHECKPOINTS)
"""The sections beside those of records, in the order in which they have to be written."""

KEY_COLUMNS: Final[Mapping[str, int]] = {LOGS: 1, TILES: 3}
"""How many columns at the start of a row name it; of sections not named here it is two."""


def key_of(section: str, row: Row) -> Row:
    """Return the part of *row* that names it among all of its section."""
    return row[: KEY_COLUMNS.get(section, 2)]


def octets_of(value: str | int | bytes | None) -> bytes:
    """Return a value that its column says is octets."""
    if not isinstance(value, bytes):
        raise TypeError("octets were expected")
    return value


class Snapshot(Protocol):
    """A store as it was at one moment."""

    async def count(self, section: str) -> int:
        """Return how many rows the section has."""
        ...

    def rows(self, section: str) -> AsyncIterator[Sequence[Row]]:
        """Yield all rows of the section in order, some at a time."""
        ...


class Archive(Protocol):
    """A kept store that can be read whole, and filled. Nobody has to know what the rows mean.

    While the store is being filled it bears a *mark*: a number that tells what from. One with a
    mark is not to be used.
    """

    @property
    def name(self) -> str:
        """Return where the store is, for operators; without any password."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Return the store as it is now; others may go on writing."""
        ...

    def at_rest(self) -> AbstractAsyncContextManager[Snapshot]:
        """Return the store as it is, and let nobody write while it is looked at.

        Raises `StoreUnavailable` when somebody works with it.
        """
        ...

    async def insert(self, section: str, rows: Sequence[Row]) -> None:
        """Make durable which of *rows* are not there yet.

        *rows* are in order. Rows whose keys are taken are left out, whatever they say: comparing
        is for whoever reads the store afterwards. A log comes before its events.
        """
        ...

    async def mark(self) -> int | None:
        """Return the mark of an unfinished import, None when there is none."""
        ...

    async def set_mark(self, mark: int | None) -> None:
        """Begin an import that *mark* tells from others, or with None end it."""
        ...

    async def close(self) -> None:
        """Let go of the store."""
        ...


MARK: Final = ("", "import")
"""Issuer and name of the counter that bears the mark; it is no row of any section."""
