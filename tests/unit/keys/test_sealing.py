"""What is sealed opens with the right key in the right place, and nowhere else."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrary.core.entropy import Draw
from registrary.core.sealing import SEAL_DRAW_BYTES, Place, UnsealError
from registrary.keys.sealing import DataKeySealer

PLACE = Place("client", "secrets", "i", "c")


def sealer(*ids, newest=None):
    """Return a sealer with keys that follow from their ids."""
    keys = {name: name.encode().ljust(32, b"k") for name in ids or ("d1",)}
    return DataKeySealer(keys, newest=newest or [*keys][-1])


def draw():
    """Return randomness for one seal."""
    return Draw(os.urandom(SEAL_DRAW_BYTES))


@given(st.binary(max_size=300), st.text(), st.text())
def test_what_was_sealed_is_unsealed(plaintext, issuer, row):
    """A secret that methods based on HMAC need can be read back."""
    place = Place("client", "secrets", issuer, row)

    sealed = sealer().seal(plaintext, place, draw())

    assert plaintext == sealer().unseal(sealed, place)


def test_sealed_bytes_show_nothing_and_differ_each_time():
    """Equal secrets must not look equal in a stolen table."""
    first = sealer().seal(b"canary" * 5, PLACE, draw())
    second = sealer().seal(b"canary" * 5, PLACE, draw())

    assert b"canary" not in first
    assert first != second


def test_sealing_is_a_function_of_its_arguments():
    """A decision made twice from the same draw is the same decision."""
    first = sealer().seal(b"s", PLACE, Draw(b"n" * SEAL_DRAW_BYTES))

    assert first == sealer().seal(b"s", PLACE, Draw(b"n" * SEAL_DRAW_BYTES))


@pytest.mark.parametrize(
    "place",
    [
        Place("client", "secrets", "i", "other"),
        Place("client", "secrets", "other", "c"),
        Place("client", "other", "i", "c"),
        Place("other", "secrets", "i", "c"),
    ],
)
def test_a_secret_opens_in_its_place_only(place):
    """Who can write the database still cannot give one client the secret of another."""
    sealed = sealer().seal(b"s", PLACE, draw())

    with pytest.raises(UnsealError):
        sealer().unseal(sealed, place)


def test_older_keys_still_open_what_they_sealed():
    """A new data key makes nothing unreadable."""
    sealed = sealer("d1").seal(b"s", PLACE, draw())

    assert b"s" == sealer("d1", "d2").unseal(sealed, PLACE)


def test_a_key_that_is_gone_is_named_as_the_reason():
    """An operator who restored the wrong key file is told so."""
    sealed = sealer("d1").seal(b"s", PLACE, draw())

    with pytest.raises(UnsealError, match="not at hand"):
        sealer("d2").unseal(sealed, PLACE)


def test_every_bit_is_authenticated():
    """A damaged or doctored row is noticed, wherever it was touched."""
    sealed = sealer().seal(b"secret", PLACE, draw())

    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(UnsealError):
            sealer().unseal(bytes(changed), PLACE)
        with pytest.raises(UnsealError):
            sealer().unseal(sealed[:position], PLACE)


def test_a_sealer_does_not_show_its_keys():
    """Sealers end up in tracebacks."""
    assert "kkk" not in repr(sealer())
