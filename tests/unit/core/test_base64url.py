"""Bytes have one spelling in JOSE."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrary.core.base64url import decode, encode


@given(st.binary(max_size=200))
def test_what_is_encoded_is_decoded(octets):
    """A key or signature survives its way through JSON."""
    text = encode(octets)

    assert base64.urlsafe_b64encode(octets).decode().rstrip("=") == text
    assert octets == decode(text)


@given(st.text(max_size=12) | st.text(alphabet="AQgw_-+/= \nz", max_size=9))
def test_any_other_spelling_is_refused(text):
    """A signature that can be respelt passes for a new one in a list of used tokens."""
    try:
        octets = decode(text)
    except ValueError:
        return

    assert text == encode(octets)


@pytest.mark.parametrize(
    "text",
    ["YQ==", "YQ=", "YR", "YWF", "A", "YW E", "YWFh\n", "+/AA", "é", "AAAA====", "AA=A"],
)
def test_near_misses_are_refused(text):
    """Lenient readers of base64 are how two parties see two things in one text."""
    with pytest.raises(ValueError, match="not base64url"):
        decode(text)
