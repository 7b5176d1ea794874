"""Which kinds of records there are. A new kind is one row here and one migration per back-end."""

from typing import Any, Final

import msgspec

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
from registrary.storage.shared.times import microseconds

encode: Final = msgspec.json.Encoder().encode
"""Return a record as the JSON that every back-end keeps."""


def end_of(record: object) -> int | None:
    """Return when *record* ends, in microseconds; None for never."""
    moment = getattr(record, "expires_at", None)
    return None if moment is None else microseconds(moment)


class Kind:
    """One kind of record: its name, how it is read back, and whether it ever goes.

    *ends* tells whether records of the kind have an ``expires_at``. Where *stays* is true,
    nothing is ever removed.
    """

    def __init__(self, record_type: type[msgspec.Struct], *, stays: bool = False) -> None:
        self.record_type = record_type
        self.name: str = vars(record_type)["kind"]
        self.ends = "expires_at" in record_type.__struct_fields__
        self.stays = stays
        # Any: a decoder gives what it was made for, and is found under that type.
        self.decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(record_type)


KINDS: Final = (
    Kind(Client, stays=True),
    Kind(InitialAccessToken),
    Kind(AdminToken),
    Kind(RevokedToken),
    Kind(SpentAssertion),
    Kind(SigningKey),
    Kind(Issuer),
    Kind(AuthorizationCode),
    Kind(Grant),
    Kind(GrantOfPerson),
    Kind(Consent),
    Kind(PushedRequest),
    Kind(DeviceAuthorization),
    Kind(DeviceUserCode),
    Kind(OpaqueAccessToken),
    Kind(Person),
    Kind(SignInName),
    Kind(Session),
    Kind(SessionOfPerson),
    Kind(SignInAttempt),
    Kind(IdentityProvider),
    Kind(Message),
    Kind(EventStream),
    Kind(StatusPlace),
    Kind(StatusOfClient),
)
