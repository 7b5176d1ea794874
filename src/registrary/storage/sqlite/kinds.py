"""Which records are kept, and in which table: one row for each kind."""

from datetime import datetime
from typing import Any, Final

import msgspec

from registrary.core.client import Client
from registrary.core.issuer import Issuer
from registrary.core.records import AdminToken, InitialAccessToken, RevokedToken, SpentAssertion
from registrary.core.signing_key import SigningKey

RECORD_TYPES: Final[tuple[type[msgspec.Struct], ...]] = (
    Client,
    InitialAccessToken,
    AdminToken,
    RevokedToken,
    SpentAssertion,
    SigningKey,
    Issuer,
)
_TABLE: Final[dict[type, str]] = {kept: str(vars(kept)["kind"]) for kept in RECORD_TYPES}
TABLES: Final = frozenset(_TABLE.values())
_DECODERS: Final = {kept: msgspec.json.Decoder(kept) for kept in RECORD_TYPES}
encode: Final = msgspec.json.Encoder().encode


class Statements:
    """The statements of one table, written once."""

    def __init__(self, table: str) -> None:
        columns = "(issuer, key, revision, expires_at, record)"
        self.insert = f"INSERT INTO {table} {columns} VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"  # noqa: S608 - a table of ours
        self.replace = (
            f"UPDATE {table} SET revision = ?, expires_at = ?, record = ? "  # noqa: S608
            "WHERE issuer = ? AND key = ? AND revision = ?"
        )
        self.delete = f"DELETE FROM {table} WHERE issuer = ? AND key = ?"  # noqa: S608 - a table of ours
        self.unchanged = f"SELECT 1 FROM {table} WHERE issuer = ? AND key = ? AND revision = ?"  # noqa: S608 - a table of ours
        self.get = f"SELECT record FROM {table} WHERE issuer = ? AND key = ?"  # noqa: S608 - a table of ours
        page = f"SELECT key, record FROM {table} WHERE issuer = ?"  # noqa: S608 - a table of ours
        self.first = f"{page} ORDER BY key LIMIT ?"
        self.after = f"{page} AND key > ? ORDER BY key LIMIT ?"
        self.last = f"{page} ORDER BY key DESC LIMIT ?"
        self.before = f"{page} AND key < ? ORDER BY key DESC LIMIT ?"
        self.expired = (
            f"SELECT record FROM {table} WHERE issuer = ? AND expires_at <= ? "  # noqa: S608
            "ORDER BY expires_at, key LIMIT ?"
        )


STATEMENTS: Final = {table: Statements(table) for table in TABLES}


def statements_for(record_type: type) -> Statements:
    """Return the statements of the table that keeps *record_type*; raises `KeyError`."""
    return STATEMENTS[_TABLE[record_type]]


def decode(record_type: type, text: str) -> Any:  # noqa: ANN401 - an instance of *record_type*
    """Return the record that *text* is."""
    return _DECODERS[record_type].decode(text)


def microseconds(moment: datetime) -> int:
    """Return *moment* as whole microseconds since the Unix epoch."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
