"""How an event becomes a leaf of the log: its bytes, its salt, its hash."""

from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from registrary.audit.canonical import all_portable, canonical_struct, portable
from registrary.core.events import Actor, Event, FieldChange, Tag

SALT_BYTES: Final = 16
EVENT_ID_BYTES: Final = 16


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the log keeps it.

    *event_id* is the 16 bytes of a UUID. *body* is canonical JSON and is what was hashed, byte
    for byte; the other members repeat from it what a store looks up. *body* and *salt* are
    None once erased: the leaf still stands, and what it stood for can no longer be guessed.
    """

    event_id: bytes
    issuer: str
    time: datetime
    tag: Tag
    client_id: str | None
    body: bytes | None
    salt: bytes | None
    leaf_hash: bytes


def record_of(event: Event) -> Record:
    """Return the record of *event*, to be stored in the commit of the change it explains.

    Raises ValueError when the salt has not `SALT_BYTES`: with one length for all, no other
    split of salt and body has the same hash.
    """
    if len(event.salt) != SALT_BYTES:
        raise ValueError(f"the salt of an event must have {SALT_BYTES} bytes")
    body = body_of(event)
    return Record(
        event_id=event_id_octets(event.id),
        issuer=event.issuer,
        time=event.time,
        tag=event.tag,
        client_id=event.client_id,
        body=body,
        salt=event.salt,
        leaf_hash=leaf_hash(event.salt, body),
    )


def erased(record: Record) -> Record:
    """Return *record* without the person in it; every proof about it stays good."""
    return msgspec.structs.replace(record, body=None, salt=None)


def leaf_hash(salt: bytes, body: bytes) -> bytes:
    """Return the Merkle leaf hash of an event (RFC 6962 §2.1).

    The entry of the log is the salted hash of *body*, not *body* itself, so that the log can
    be published whole and personal data erased from the store.
    """
    return sha256(b"\0" + sha256(salt + body).digest()).digest()


def body_of(event: Event) -> bytes:
    """Return the canonical JSON of *event*: everything but the salt.

    Numbers that are not portable, which a stranger may put where nothing reads them, stand in
    it as strings. Absent members are left out, except *outcome*, which is always said.
    """
    changes, detail = event.changes, event.detail
    if not _is_portable(event):
        changes = {name: _portable_change(change) for name, change in changes.items()}
        detail = {name: portable(value) for name, value in detail.items()}
    body = _Body(
        actor=event.actor,
        changes=changes,
        client_id=event.client_id,
        detail=detail,
        id=event.id,
        issuer=event.issuer,
        outcome=event.outcome,
        reason=event.reason,
        request_id=event.request_id,
        tag=event.tag,
        time=event.time,
    )
    return canonical_struct(body)


def event_id_octets(text: str) -> bytes:
    """Return the 16 bytes of an event id in text form; ValueError when it is none."""
    octets = bytes.fromhex(text.replace("-", ""))
    if len(octets) != EVENT_ID_BYTES or event_id_text(octets) != text:
        raise ValueError("an event id is a UUID in lower-case text form")
    return octets


def event_id_text(octets: bytes) -> str:
    """Return the text form of the UUID *octets* (RFC 9562 §4)."""
    digits = octets.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class _Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The members of an event that are hashed."""

    actor: Actor
    changes: dict[str, FieldChange] = {}
    client_id: str | None = None
    detail: dict[str, Any] = {}  # Any: JSON, as in Event
    id: str
    issuer: str
    outcome: str
    reason: str | None = None
    request_id: str | None = None
    tag: Tag
    time: datetime


_WORDS: Final = frozenset({str})


def _is_portable(event: Event) -> bool:
    suspects: list[object] = [event.detail] if event.detail else []
    for change in event.changes.values():
        after, before = change.after, change.before
        kind = type(after)  # most members are words or lists of them; this runs per registration
        if kind is not str and not (kind is list and _WORDS.issuperset(map(type, after))):
            suspects.append(after)
        if before is not None:
            suspects.append(before)
    return all_portable(suspects)


def _portable_change(change: FieldChange) -> FieldChange:
    return FieldChange(portable(change.before), portable(change.after), change.source)
