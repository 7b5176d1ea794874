"""What is left of records in a copy that must open nothing: for tests, and for looking at.

Whoever has such a copy can sign nothing, open nothing and answer as nobody. It is still about
real people: names, addresses and the whole log are in it.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from registrary.core.client import Client
from registrary.core.deliveries import EventStream, StatusOfClient, StatusPlace
from registrary.core.grants import Consent
from registrary.core.issuer import Issuer
from registrary.core.people import IdentityProvider, Person, SignInName
from registrary.core.signing_key import KeyState, SigningKey
from registrary.ports.transfer import OTHER_SECTIONS, Row
from registrary.storage.shared.kinds import KINDS, encode

_DECODER_OF: Final = {kind.name: kind.decoder for kind in KINDS}
_Strip = Callable[[Any], msgspec.Struct]  # Any: a record of the kind that it is listed under


def _client(client: Client) -> Client:
    return msgspec.structs.replace(client, secrets=(), registration_access_tokens=())


def _signing_key(key: SigningKey) -> SigningKey:
    # Its public half verifies what it signed; a server makes new ones where none is in use.
    return msgspec.structs.replace(
        key, state=KeyState.RETIRED, sealed_private=b"", retires_at=key.retires_at or key.created_at
    )


def _person(person: Person) -> Person:
    return msgspec.structs.replace(
        person, subject_key=b"", password=None, one_time_codes=None, passkeys=()
    )


def _identity_provider(provider: IdentityProvider) -> IdentityProvider:
    return msgspec.structs.replace(provider, sealed_secret=None)


def _event_stream(stream: EventStream) -> EventStream:
    # Paused: a copy tells nobody of what happens to it.
    paused_at = stream.paused_at or stream.updated_at
    return msgspec.structs.replace(stream, sealed_authorization=None, paused_at=paused_at)


def _as_it_is(record: msgspec.Struct) -> msgspec.Struct:
    return record


_STRIP: Final[dict[str, _Strip]] = {
    Issuer.kind: _as_it_is,
    Client.kind: _client,
    SigningKey.kind: _signing_key,
    Person.kind: _person,
    SignInName.kind: _as_it_is,
    Consent.kind: _as_it_is,
    IdentityProvider.kind: _identity_provider,
    EventStream.kind: _event_stream,
    StatusPlace.kind: _as_it_is,
    StatusOfClient.kind: _as_it_is,
}
"""What is done to records of the kinds that stay; all others are nothing but credentials."""


def stays(section: str) -> bool:
    """Tell whether anything of *section* stays."""
    return section in _STRIP or section in OTHER_SECTIONS


def stripped(section: str, row: Row) -> Row:
    """Return *row* without digests and sealed secrets."""
    if section in OTHER_SECTIONS:
        return row
    *others, text = row
    record = _STRIP[section](_DECODER_OF[section].decode(str(text)))
    return (*others, encode(record).decode())
