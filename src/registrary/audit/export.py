"""Exports of the log: the lines of a file that anyone can verify without this program.

An export is JSON Lines: UTF-8, one object a line, every line ending with a newline. Each line is
canonical JSON (RFC 8785), so it has one spelling and no bit of it is free. Octets are base64.

``header``
    First line. ``format`` is `FORMAT`; ``issuer`` the id that every event carries; ``origin``
    the name of the log; ``keys`` the keys that sign it (vkeys, see `audit.checkpoint`), to be
    compared with a copy got elsewhere; ``selection`` is ``complete`` or ``subset``.
``event``
    ``index`` is its place in the log, ``leaf`` its leaf hash. ``event`` is the text that was
    hashed, as a string, with its ``salt``; ``id`` and ``time`` repeat what it says. An erased
    event has ``erased: true`` instead of these: what nothing can prove any more is not claimed.
``checkpoint``
    ``note`` is the signed note.
``end``
    Last line: how many ``events`` and ``checkpoints`` the file holds.

A *complete* export holds all events from index 0 on; a checkpoint stands right after the last
event it covers, and the last one covers all. A *subset* starts with its checkpoints, each from
the second on with a ``consistency`` proof from the one before; then come events in the order of
their indexes, each with its inclusion ``proof`` for the checkpoint over ``size`` leaves.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, Protocol, TypeAlias

import msgspec

from registrary.audit.canonical import CanonicalError, canonical_struct
from registrary.audit.checkpoint import VerifierKey

FORMAT: Final = "registrary-audit-export/1"

Selection: TypeAlias = Literal["complete", "subset"]
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class Entry(Protocol):
    """An event of the log as a store gives it. *body* and *salt* are None once erased."""

    @property
    def event_id(self) -> str:
        """Return the id of the event, in text form."""
        ...

    @property
    def index(self) -> int | None:
        """Return its place in the log, None while it waits."""
        ...

    @property
    def time(self) -> datetime:
        """Return when it happened."""
        ...

    @property
    def client_id(self) -> str | None:
        """Return the client it is about, if it is about one."""
        ...

    @property
    def body(self) -> bytes | None:
        """Return the canonical JSON that was hashed."""
        ...

    @property
    def salt(self) -> bytes | None:
        """Return what it was hashed with."""
        ...

    @property
    def leaf_hash(self) -> bytes:
        """Return its leaf hash."""
        ...


class _Line(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="kind",
):
    """What all lines have in common: nothing but ``kind``."""


class Header(_Line, frozen=True, tag="header"):
    """The first line."""

    format: Literal["registrary-audit-export/1"]
    issuer: str
    keys: tuple[str, ...]
    origin: str
    selection: Selection


class EventLine(_Line, frozen=True, tag="event"):
    """One event, whole or erased; with a proof in a subset."""

    index: _Count
    leaf: bytes
    event: str | None = None
    id: str | None = None
    time: str | None = None
    salt: bytes | None = None
    erased: bool = False
    size: _Count | None = None
    proof: tuple[bytes, ...] | None = None


class CheckpointLine(_Line, frozen=True, tag="checkpoint"):
    """A signed note; in a subset, from the second on, with a proof from the one before."""

    note: str
    consistency: tuple[bytes, ...] | None = None


class End(_Line, frozen=True, tag="end"):
    """The last line."""

    checkpoints: _Count
    events: _Count


Line: TypeAlias = Header | EventLine | CheckpointLine | End


class Said(msgspec.Struct, frozen=True):
    """What the text of an event says of itself, as far as others repeat it."""

    id: str
    issuer: str
    time: str
    client_id: str | None = None


class ExportError(ValueError):
    """A line is not of the format; the text says why."""


_lines: Final[msgspec.json.Decoder[Line]] = msgspec.json.Decoder(Line)
_said: Final[msgspec.json.Decoder[Said]] = msgspec.json.Decoder(Said)


def said_by(body: bytes) -> Said:
    """Return what the canonical JSON of an event says of itself, or raise ExportError."""
    try:
        return _said.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ExportError("the event is not of the form that events have") from error


def parse_line(octets: bytes) -> Line:
    """Return the line that *octets*, which end with a newline, stand for.

    Raises ExportError, also when the same could be said with other bytes.
    """
    if not octets.endswith(b"\n"):
        raise ExportError("the line does not end with a newline")
    try:
        line = _lines.decode(octets[:-1])
        spelling = canonical_struct(line)
    except (msgspec.DecodeError, UnicodeDecodeError, CanonicalError) as error:
        raise ExportError("the line is not of the format") from error
    if spelling != octets[:-1]:
        raise ExportError("the line is not canonical JSON")
    return line


def header_line(
    issuer: str, origin: str, *, keys: Sequence[VerifierKey], selection: Selection
) -> bytes:
    """Return the first line of an export."""
    names = tuple(map(str, keys))
    return _written(
        Header(format=FORMAT, issuer=issuer, keys=names, origin=origin, selection=selection)
    )


def event_line(
    entry: Entry, *, size: int | None = None, proof: Sequence[bytes] | None = None
) -> bytes:
    """Return the line of an event that has an index.

    In a subset *proof* shows that it is in the log of *size* leaves; in a complete export
    both are left out. Raises ExportError when there is no index or the body is damaged.
    """
    if entry.index is None:
        raise ExportError("the event has no index yet")
    path = None if proof is None else tuple(proof)
    if entry.body is None or entry.salt is None:
        return _written(
            EventLine(index=entry.index, leaf=entry.leaf_hash, erased=True, size=size, proof=path)
        )
    said = said_by(entry.body)
    return _written(
        EventLine(
            index=entry.index,
            leaf=entry.leaf_hash,
            event=entry.body.decode(),
            id=said.id,
            time=said.time,
            salt=entry.salt,
            size=size,
            proof=path,
        )
    )


def checkpoint_line(note: str, *, consistency: Sequence[bytes] | None = None) -> bytes:
    """Return the line of a signed checkpoint.

    *consistency* is the proof from the checkpoint before, in a subset from the second on.
    """
    path = None if consistency is None else tuple(consistency)
    return _written(CheckpointLine(note=note, consistency=path))


def end_line(*, events: int, checkpoints: int) -> bytes:
    """Return the last line of an export."""
    return _written(End(checkpoints=checkpoints, events=events))


def _written(line: Line) -> bytes:
    return canonical_struct(line) + b"\n"
