"""Which table keeps which kind of record."""

from typing import Final

from registrary.storage.shared.kinds import KINDS, Kind
from registrary.storage.shared.statements import statements


class Table:
    """One kind of record, and the statements that read it. *place* is its number among kinds."""

    def __init__(self, place: int, kind: Kind) -> None:
        self.place = place
        self.record_type = kind.record_type
        self.kind = kind.name
        self.ends = kind.ends
        self.stays = kind.stays
        self.decoder = kind.decoder
        texts = statements(__package__, "records")
        if self.ends:
            texts = texts | statements(__package__, "ending_records")
        self.sql = {name: text.replace("{table}", self.kind) for name, text in texts.items()}


TABLES: Final = tuple(Table(place, kind) for place, kind in enumerate(KINDS))
BY_KIND: Final = {table.kind: table for table in TABLES}
BY_TYPE: Final[dict[type, Table]] = {table.record_type: table for table in TABLES}
