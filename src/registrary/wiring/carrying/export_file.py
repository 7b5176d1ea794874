"""The form of an export: lines of JSON that hold a whole store, whatever keeps it.

`docs/export-format.md` describes it for those who have another program. Each line is an object
with one member, whose name says what it is: ``header``, then ``keys`` where they were asked for,
then a line for each row of each section in the order of `SECTIONS`, then ``end``. A record
stands in its line exactly as the store keeps it.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from registrary.audit.record import event_id_octets, event_id_text
from registrary.core.issuer import Issuer
from registrary.ports.transfer import (
    CHECKPOINTS,
    COUNTERS,
    EVENTS,
    LOGS,
    OTHER_SECTIONS,
    TILES,
    Row,
    octets_of,
)
from registrary.storage.shared.kinds import KINDS, Kind, end_of
from registrary.wiring.carrying.backup_file import BackupError

FORMAT: Final = "registrary-export/1"
BEGINNING: Final = b'{"header":{"format":"registrary-export/'
LINE_LIMIT_BYTES: Final = 64 * 1024 * 1024  # a row is never near this; another file may be

_KIND_OF: Final = {kind.name: kind for kind in KINDS}
SECTIONS: Final = (
    Issuer.kind,
    *(kind.name for kind in KINDS if kind.name != Issuer.kind),
    *OTHER_SECTIONS,
)
"""In which order sections stand in a file, and are written to a store."""

KeysOf: TypeAlias = Literal["absent", "sealed", "plain"]
_Number: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_encode: Final = msgspec.json.Encoder().encode


class ExportError(BackupError):
    """An export cannot be made or used; the text is for operators and says what to do."""


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an export says of itself, in its first line.

    *counts* says how many rows each section has. *issuers* are their addresses. *key_ids* name
    the keys that the store needs; *keys* tells whether they are in the file. *credentials* is
    false where digests and sealed secrets were left out.
    """

    format: Literal["registrary-export/1"] = FORMAT
    made_by: str
    made_at: datetime
    issuers: tuple[str, ...]
    key_ids: tuple[str, ...]
    keys: KeysOf
    credentials: bool
    counts: dict[str, _Number]

    @property
    def rows(self) -> int:
        """Return how many rows there are in all."""
        return sum(self.counts.values())


class Keys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key document: *plain* as in a key file, or *sealed* as PostgreSQL keeps it."""

    plain: bytes | None = None
    sealed: bytes | None = None


class End(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last line: SHA-256 of each section's lines, and of all lines before this one."""

    sections: dict[str, str]
    sha256: str


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row as an object. Its members are the columns, in their order."""


class _Counter(_Struct, frozen=True):
    issuer: str
    name: str
    used: _Number


class _Log(_Struct, frozen=True):
    issuer: str
    size: _Number


class _Event(_Struct, frozen=True):
    issuer: str
    place: _Number
    id: str
    time: int
    client_id: str | None
    body: str | None
    salt: bytes | None
    leaf_hash: bytes


class _Tile(_Struct, frozen=True):
    issuer: str
    level: _Number
    number: _Number
    hashes: bytes


class _Checkpoint(_Struct, frozen=True):
    issuer: str
    size: _Number
    note: str


class _Form:
    """How rows of a section that are no records become lines, and lines rows."""

    def __init__(self, struct: type[_Struct], *, with_id: bool = False) -> None:
        # Any: a row's values are of the columns' types, which the struct names.
        self._struct: Callable[..., Any] = struct
        self._decoder = msgspec.json.Decoder(struct)
        self._with_id = with_id

    def text(self, row: Row) -> bytes:
        """Return the object of *row*."""
        if self._with_id:
            issuer, place, event_id, *others = row
            row = (issuer, place, event_id_text(octets_of(event_id)), *others)
        return _encode(self._struct(*row))

    def row(self, text: msgspec.Raw) -> Row:
        """Return the row of an object; raises ValueError when it is none."""
        row = msgspec.structs.astuple(self._decoder.decode(text))
        if self._with_id:
            issuer, place, event_id, *others = row
            return (issuer, place, event_id_octets(event_id), *others)
        return row


_FORMS: Final = {
    COUNTERS: _Form(_Counter),
    LOGS: _Form(_Log),
    EVENTS: _Form(_Event, with_id=True),
    TILES: _Form(_Tile),
    CHECKPOINTS: _Form(_Checkpoint),
}


def line(name: str, text: bytes) -> bytes:
    """Return the line that holds *text*, which is JSON, under *name*."""
    return b'{"%b":%b}\n' % (name.encode(), text)


def line_of(name: str, value: msgspec.Struct) -> bytes:
    """Return the line of a header, of keys, or of an end."""
    return line(name, _encode(value))


def line_of_row(section: str, row: Row) -> bytes:
    """Return the line of *row*; raises `ExportError` when it contradicts itself."""
    form = _FORMS.get(section)
    if form is not None:
        return line(section, form.text(row))
    text = str(row[-1]).encode()
    try:
        if _row_of_record(_KIND_OF[section], text) != row or b"\n" in text:
            raise ValueError(section)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ExportError(
            f"a record of {section} in the store is damaged: {_shown(row)}"
        ) from error
    return line(section, text)


def row_of_line(section: str, text: msgspec.Raw) -> Row:
    """Return the row that stands in a line of *section*; raises ValueError when it is none."""
    form = _FORMS.get(section)
    if form is not None:
        return form.row(text)
    return _row_of_record(_KIND_OF[section], bytes(text))


def _row_of_record(kind: Kind, text: bytes) -> Row:
    record = kind.decoder.decode(text)
    expires_at = end_of(record) if kind.ends else None
    return (record.issuer, record.key, record.revision, expires_at, text.decode())


def _shown(row: Row) -> str:
    return " ".join(str(part) for part in row[:2])


class Digests:
    """SHA-256 over the lines of each section, as they go by."""

    def __init__(self) -> None:
        self._sections: dict[str, Any] = {}  # Any: hashlib's objects have no public type

    def add(self, section: str, lines: Sequence[bytes]) -> None:
        """Take in *lines* of *section*."""
        if section not in self._sections:
            self._sections[section] = hashlib.sha256()
        self._sections[section].update(b"".join(lines))

    def of(self, section: str) -> str:
        """Return the digest of all lines of *section* so far."""
        found = self._sections.get(section) or hashlib.sha256()
        return str(found.hexdigest())

    def all(self) -> dict[str, str]:
        """Return the digests of all sections."""
        return {section: self.of(section) for section in SECTIONS}
