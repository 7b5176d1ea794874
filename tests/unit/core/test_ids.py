"""Identifiers are unguessable enough, ordered by time, and can be told apart."""

import os
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from registrary.core.entropy import Draw
from registrary.core.ids import locator_of, milliseconds, new_event_id, new_id, new_issuer_id

MOMENT = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)


def test_ids_grow_with_time() -> None:
    """An index that grows at its end stays fast at a million clients."""
    moments = [MOMENT + timedelta(milliseconds=step) for step in range(50)]

    ids = [new_id(moment, Draw(os.urandom(10))) for moment in moments]

    assert ids == sorted(ids)


def test_an_id_is_of_printable_characters_that_need_no_escaping() -> None:
    """A client_id goes into URLs, Basic credentials and file names as it is (RFC 6749 A.1)."""
    made = new_id(MOMENT, Draw(bytes(range(10))))

    assert "019aa68ad87b00010203040506070809"[12:] == made[12:]
    assert milliseconds(MOMENT) == int(made[:12], 16)


def test_an_event_id_is_a_version_7_uuid() -> None:
    """Other tools sort and read the ids of events (RFC 9562 §5.7)."""
    made = uuid.UUID(new_event_id(MOMENT, Draw(b"\xff" * 10)))

    assert (7, uuid.RFC_4122) == (made.version, made.variant)
    assert milliseconds(MOMENT) == made.int >> 80


def test_a_locator_names_exactly_one_id() -> None:
    """A registration access token finds its client without an index over tokens."""
    made = new_id(MOMENT, Draw(os.urandom(10)))

    locator = locator_of(made)

    assert locator is not None
    assert made == locator.hex()


@pytest.mark.parametrize(
    "text",
    ["", "abc", "A" * 32, "g" * 32, " " + "0" * 31, "0" * 31 + "\n"],
    ids=["empty", "short", "upper-case", "not-hex", "space", "newline"],
)
def test_other_ids_have_no_locator(text: str) -> None:
    """Only the one spelling that was issued is taken."""
    assert locator_of(text) is None


def test_an_issuer_id_is_short() -> None:
    """It stands in every row and cookie name."""
    assert "0001020304" == new_issuer_id(Draw(bytes(range(5))))
