"""An event becomes a record: bytes that never change, and a hash that outlives them."""

from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registrary.audit.canonical import canonical
from registrary.audit.record import (
    SALT_BYTES,
    body_of,
    erased,
    event_id_octets,
    event_id_text,
    leaf_hash,
    record_of,
)
from registrary.core.events import Actor, ActorKind, Event, FieldChange, Tag

EVENT_ID = "0197f5f0-1234-7abc-8def-0123456789ab"


def an_event(**what_matters: object) -> Event:
    """Return the event that a client registered with a scope."""
    event = Event(
        id=EVENT_ID,
        issuer="abcdef0123",
        time=datetime(2026, 3, 1, 12, 30, 15, 250000, tzinfo=UTC),
        tag=Tag.CLIENT_REGISTERED,
        actor=Actor(ActorKind.ANONYMOUS, address="192.0.2.1"),
        client_id="c1",
        changes={"scope": FieldChange(None, "openid", "client")},
        salt=bytes(range(SALT_BYTES)),
    )
    return msgspec.structs.replace(event, **what_matters)


def test_the_body_is_the_event_in_canonical_json():
    """The bytes are a format of ours: they must never change under a log that exists."""
    expected = (
        b'{"actor":{"address":"192.0.2.1","kind":"anonymous"},'
        b'"changes":{"scope":{"after":"openid","source":"client"}},'
        b'"client_id":"c1",'
        b'"id":"0197f5f0-1234-7abc-8def-0123456789ab",'
        b'"issuer":"abcdef0123",'
        b'"outcome":"success",'
        b'"tag":"client:registered",'
        b'"time":"2026-03-01T12:30:15.250000Z"}'
    )

    assert expected == body_of(an_event())


def test_every_member_of_an_event_but_its_salt_is_in_the_body():
    """A member that is added to events and forgotten here would not be protected by the log."""
    event = an_event(
        outcome="refused",
        reason="no",
        request_id="r1",
        detail={"count": 3},
    )

    body = msgspec.json.decode(body_of(event))

    assert {*Event.__struct_fields__} - {"salt"} == set(body)


def test_the_leaf_commits_to_salt_and_body():
    """The formula is what the offline verifier, written apart from this code, relies on."""
    record = record_of(an_event())

    assert record.body is not None
    assert record.salt is not None
    entry = sha256(record.salt + record.body).digest()
    assert sha256(b"\x00" + entry).digest() == record.leaf_hash
    assert leaf_hash(record.salt, record.body) == record.leaf_hash


def test_a_record_repeats_what_a_store_looks_up():
    """Columns and body say the same, or a search would find another event than was proved."""
    record = record_of(an_event())

    assert EVENT_ID == event_id_text(record.event_id)
    assert ("abcdef0123", "c1", Tag.CLIENT_REGISTERED) == (
        record.issuer,
        record.client_id,
        record.tag,
    )
    assert datetime(2026, 3, 1, 12, 30, 15, 250000, tzinfo=UTC) == record.time


def test_erasing_keeps_the_leaf_alone():
    """A person's data can go while the proof that the log was not rewritten stays."""
    record = record_of(an_event())

    remains = erased(record)

    assert (None, None, record.leaf_hash) == (remains.body, remains.salt, remains.leaf_hash)


@pytest.mark.parametrize("length", [0, SALT_BYTES - 1, SALT_BYTES + 1])
def test_a_salt_of_another_length_is_refused(length):
    """With two lengths, one hash could be explained by two splits into salt and body."""
    with pytest.raises(ValueError, match="salt"):
        record_of(an_event(salt=bytes(length)))


def test_odd_numbers_of_strangers_are_recorded_as_text():
    """A fraction inside a registered key is refused by no rule, so it must not break the log."""
    change = FieldChange({"keys": [{"x": 2**64}]}, {"keys": [{"x": 1.5}]}, "client")

    body = msgspec.json.decode(body_of(an_event(changes={"jwks": change}, detail={"n": 0.25})))

    expected = {
        "before": {"keys": [{"x": "18446744073709551616"}]},
        "after": {"keys": [{"x": "1.5"}]},
        "source": "client",
    }
    assert expected == body["changes"]["jwks"]
    assert {"n": "0.25"} == body["detail"]


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=8,
)


@given(ANY_JSON, ANY_JSON)
@settings(deadline=None)
def test_whatever_a_stranger_registers_can_be_recorded(before, after):
    """An event that could not be written would stop the act it explains."""
    event = an_event(changes={"jwks": FieldChange(before, after)}, detail={"sent": after})

    record = record_of(event)

    assert record.body is not None
    assert canonical(msgspec.json.decode(record.body)) == record.body


@pytest.mark.parametrize(
    "text",
    [
        "",
        EVENT_ID.upper(),
        EVENT_ID.replace("-", ""),
        EVENT_ID + "00",
        EVENT_ID.replace("-", "") + "----",
        "not-an-id",
    ],
)
def test_only_one_spelling_of_an_event_id_is_taken(text):
    """Two spellings of one id would be two keys to one event."""
    with pytest.raises(ValueError, match=r"id|hex"):
        event_id_octets(text)
