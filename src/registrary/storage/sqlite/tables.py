"""Which table keeps which kind of record. A new kind is one row here and one migration."""

from typing import Any, Final, TypeVar

import msgspec

from registrary.core.changes import Record
from registrary.core.client import Client
from registrary.core.deliveries import EventStream, Message, StatusOfClient, StatusPlace
from registrary.core.grants import (
    AuthorizationCode,
    Consent,
    DeviceAuthorization,
    DeviceUserCode,
    Grant,
    GrantOfPerson,
    OpaqueAccessToken,
    PushedRequest,
)
from registrary.core.issuer import Issuer
from registrary.core.people import (
    IdentityProvider,
    Person,
    Session,
    SessionOfPerson,
    SignInAttempt,
    SignInName,
)
from registrary.core.records import AdminToken, InitialAccessToken, RevokedToken, SpentAssertion
from registrary.core.signing_key import SigningKey
from registrary.storage.sqlite.statements import statements
from registrary.storage.sqlite.times import microseconds

R = TypeVar("R")
Row = tuple[str | int | bytes | None, ...]

_encode: Final = msgspec.json.Encoder().encode


class Table:
    """One kind of record, its statements, and how it becomes a row.

    *ends* tells whether records of the kind have an ``expires_at``. Where *stays* is true,
    nothing is ever removed.
    """

    def __init__(self, record_type: type[msgspec.Struct], *, stays: bool = False) -> None:
        self.record_type = record_type
        self.kind: str = vars(record_type)["kind"]
        self.ends = "expires_at" in record_type.__struct_fields__
        self.stays = stays
        texts = statements("records") | (statements("ending_records") if self.ends else {})
        self.sql = {name: text.replace("{table}", self.kind) for name, text in texts.items()}
        self.insert = self.sql["insert"]
        self.get = self.sql["get"]
        # Any: a decoder gives what it was made for, and is found under that type.
        self.decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(record_type)

    def row(self, record: Record) -> Row:
        """Return what `insert` and `replace` bind: issuer, key, revision, record, and the end."""
        row = (record.issuer, record.key, record.revision, _encode(record))
        if not self.ends:
            return row
        end = getattr(record, "expires_at", None)
        return (*row, None if end is None else microseconds(end))


TABLES: Final = (
    Table(Client, stays=True),
    Table(InitialAccessToken),
    Table(AdminToken),
    Table(RevokedToken),
    Table(SpentAssertion),
    Table(SigningKey),
    Table(Issuer),
    Table(AuthorizationCode),
    Table(Grant),
    Table(GrantOfPerson),
    Table(Consent),
    Table(PushedRequest),
    Table(DeviceAuthorization),
    Table(DeviceUserCode),
    Table(OpaqueAccessToken),
    Table(Person),
    Table(SignInName),
    Table(Session),
    Table(SessionOfPerson),
    Table(SignInAttempt),
    Table(IdentityProvider),
    Table(Message),
    Table(EventStream),
    Table(StatusPlace),
    Table(StatusOfClient),
)
BY_KIND: Final = {table.kind: table for table in TABLES}
BY_TYPE: Final[dict[type, Table]] = {table.record_type: table for table in TABLES}
