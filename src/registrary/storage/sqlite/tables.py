"""Which table keeps which kind of record."""

from typing import Final

from registrary.core.changes import Record
from registrary.storage.shared.kinds import KINDS, Kind, encode, end_of
from registrary.storage.shared.statements import statements

Row = tuple[str | int | bytes | None, ...]


class Table:
    """One kind of record, its statements, and how it becomes a row."""

    def __init__(self, kind: Kind) -> None:
        self.record_type = kind.record_type
        self.kind = kind.name
        self.ends = kind.ends
        self.stays = kind.stays
        self.decoder = kind.decoder
        texts = statements(__package__, "records")
        if self.ends:
            texts = texts | statements(__package__, "ending_records")
        self.sql = {name: text.replace("{table}", self.kind) for name, text in texts.items()}
        self.insert = self.sql["insert"]
        self.get = self.sql["get"]

    def row(self, record: Record) -> Row:
        """Return what `insert` and `replace` bind: issuer, key, revision, record, and the end."""
        row = (record.issuer, record.key, record.revision, encode(record))
        return (*row, end_of(record)) if self.ends else row


TABLES: Final = tuple(Table(kind) for kind in KINDS)
BY_KIND: Final = {table.kind: table for table in TABLES}
BY_TYPE: Final[dict[type, Table]] = {table.record_type: table for table in TABLES}
