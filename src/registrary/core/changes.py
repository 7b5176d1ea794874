"""A write as a value: what shall be true together, or not at all."""

from typing import Final, Protocol

import msgspec

from registrary.core.events import Event


class Record(Protocol):
    """What a store keeps: a frozen struct with a *kind*, an issuer, a key and a revision."""

    @property
    def kind(self) -> str:
        """Return the kind of record, which names its table."""
        ...

    @property
    def issuer(self) -> str:
        """Return the id of the issuer it belongs to."""
        ...

    @property
    def key(self) -> str:
        """Return what names it within issuer and kind."""
        ...

    @property
    def revision(self) -> int:
        """Return how often it was written."""
        ...


class Put(msgspec.Struct, frozen=True):
    """Write *record*.

    *expected* is the revision that must be stored now; None means that no record with this
    key may exist yet. Anything else is a conflict.
    """

    record: Record
    expected: int | None = None


class Delete(msgspec.Struct, frozen=True):
    """Remove a record that has no further meaning, such as a spent assertion that expired.

    Clients are never removed. Removing what is not there is not a conflict.
    """

    kind: str
    issuer: str
    key: str


class Unchanged(msgspec.Struct, frozen=True):
    """Demand that a record which was read is still at *revision*; otherwise a conflict."""

    kind: str
    issuer: str
    key: str
    revision: int


NO_LIMIT: Final = 1 << 62
"""The limit of a counter that only counts."""


class Consume(msgspec.Struct, frozen=True):
    """Add *amount* to a counter, unless that takes it past *limit*, which is a conflict.

    A counter that does not exist counts as zero. *amount* may be negative to give back; a
    counter never falls below zero.
    """

    issuer: str
    counter: str
    limit: int
    amount: int = 1


class Changes(msgspec.Struct, frozen=True):
    """One atomic write with the events that explain it; there is no other way to write."""

    puts: tuple[Put, ...] = ()
    events: tuple[Event, ...] = ()
    consumptions: tuple[Consume, ...] = ()
    unchanged: tuple[Unchanged, ...] = ()
    deletions: tuple[Delete, ...] = ()
