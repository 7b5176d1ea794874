"""The server's own keys as a document."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from registrary.core.entropy import Draw
from registrary.core.sealing import SEAL_DRAW_BYTES, Place
from registrary.core.secrets import Secret
from registrary.keys.material import (
    ACTIVATION_DELAY,
    MaterialError,
    decode_material,
    encode_material,
    new_material,
    with_new_data_key,
    with_new_pepper,
    with_new_wrapping_key,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PLACE = Place("client", "secrets", "i", "c")


def material():
    """Return fresh material."""
    return new_material(os.urandom, now=NOW)


def test_a_document_gives_the_same_keys():
    """What is written before a stop works after it."""
    before = material()

    after = decode_material(encode_material(before))

    assert before == after


def test_the_wrapping_key_can_be_replaced_without_touching_what_is_sealed():
    """Rotating the key-encryption key rewrites a file of a kilobyte, not a table."""
    before = material()
    sealed = before.sealer(NOW).seal(b"s", PLACE, Draw(os.urandom(SEAL_DRAW_BYTES)))

    after = with_new_wrapping_key(before, os.urandom)

    assert before.key_encryption_key != after.key_encryption_key
    assert before.data_keys[0].wrapped != after.data_keys[0].wrapped
    assert b"s" == decode_material(encode_material(after)).sealer(NOW).unseal(sealed, PLACE)


@pytest.mark.parametrize("rotate", [with_new_pepper, with_new_data_key])
def test_a_new_key_is_used_when_every_process_has_seen_it(rotate):
    """Nobody meets a digest of a pepper it does not know yet."""
    before = material()

    after = rotate(before, os.urandom, now=NOW)

    assert before.newest(NOW) == after.newest(NOW)
    assert before.newest(NOW) == after.newest(NOW + ACTIVATION_DELAY - timedelta(seconds=1))
    assert before.newest(NOW) != after.newest(NOW + ACTIVATION_DELAY)


def test_old_peppers_verify_after_a_rotation():
    """Every credential handed out before still works."""
    before = material()
    digest = before.ring(NOW).digest(Secret("a"), purpose="x")
    later = NOW + ACTIVATION_DELAY

    ring = with_new_pepper(before, os.urandom, now=NOW).ring(later)

    assert ring.verify(Secret("a"), digest, purpose="x")
    assert not ring.is_current(digest)


def test_keys_are_usable_under_a_clock_that_was_set_back():
    """A machine that starts with the wrong date still opens what it sealed."""
    fresh = material()

    assert fresh.newest(NOW) == fresh.newest(NOW - timedelta(days=4000))


def changed(**members):
    """Return a document with members replaced."""
    return json.dumps({**json.loads(encode_material(material())), **members}).encode()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"canary",
        b"\xff",
        b"{}",
        b'{"about": "canary"',
        changed(version=2),
        changed(peppers=[]),
        changed(data_keys=[]),
        changed(canary=1),
        changed(key_encryption_key={"id": "k", "key": "Y2FuYXJ5"}),
        changed(key_encryption_key=json.loads(changed())["key_encryption_key"]),
        changed(peppers=[{"id": "p", "key": "Y2FuYXJ5", "active_from": "2026-01-01T00:00:00Z"}]),
        changed(peppers=json.loads(changed())["peppers"] * 2),
    ],
    ids=[
        "empty",
        "no JSON",
        "no text",
        "no keys",
        "cut",
        "version",
        "no pepper",
        "no data key",
        "unknown member",
        "short wrapping key",
        "other wrapping key",
        "short pepper",
        "two of one id",
    ],
)
def test_a_document_that_cannot_work_is_refused_without_quoting_it(document):
    """The start fails with a reason, and the reason holds no key."""
    with pytest.raises(MaterialError) as refusal:
        decode_material(document)

    assert "canary" not in str(refusal.value)
    assert "Y2FuYXJ5" not in str(refusal.value)
    assert None is refusal.value.__cause__


def test_material_does_not_show_its_keys():
    """Settings and errors print what they hold."""
    fresh = material()

    assert fresh.key_encryption_key.key.hex() not in repr(fresh)
    assert "Material(1 data keys, 1 peppers)" == repr(fresh)
    for part in (fresh.key_encryption_key, fresh.peppers[0]):
        assert repr(part.key) not in repr(part)
