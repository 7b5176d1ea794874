"""Status lists say the same to everybody who unpacks them."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrary.core.base64url import encode
from registrary.core.status_list import (
    StatusListError,
    TokenStatus,
    decode_status_list,
    encode_status_list,
    pack_statuses,
    status_at,
)

# Token Status List draft 20, §4.1 and appendix C.
SMALL = {
    1: ([1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1], "eNrbuRgAAhcBXQ"),
    2: ([1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3], "eNo76fITAAPfAgc"),
}
LARGE = {
    1: (
        dict.fromkeys(
            (0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345), 1
        ),
        (
            "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAA"
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAA"
            "vhsSAAAAAAAAAAAA7KpLAAAAAAAAAAAAAAAAAAAAAJsLCQAAAAAAAAAAADjelAAAAAAAAAAAKjDMAQAA"
            "AACAZC8L2AEb"
        ),
    ),
    2: (
        {
            0: 1,
            1993: 2,
            25460: 1,
            159495: 3,
            495669: 1,
            554353: 1,
            645645: 2,
            723232: 1,
            854545: 1,
            934534: 2,
            1000345: 3,
        },
        (
            "eNrt2zENACEQAEEuoaBABP5VIO01fCjIHTMStt9ovGVIAAAAAABAbiEBAAAAAAAAAAAAAAAAAAAAAAAA"
            "AAAAAAAAAAAAAAAAAEB5WwIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAID0ugQAAAAAAAAAAAAAAAAAQG12SgAA"
            "AAAAAAAAAAAAAAAAAAAAAAAAAOCSIQEAAAAAAAAAAAAAAAAAAAAAAAD8ExIAAAAAAAAAAAAAAAAAAAAA"
            "AAAAAAAAAAAAAAAAAAAAwJEuAQAAAAAAAAAAAAAAAAAAAAAAAMB9SwIAAAAAAAAAAAAAAAAAAACoYUoA"
            "AAAAAAAAAAAAAEBqH81gAQw"
        ),
    ),
}
PLACES = 2**20


@pytest.mark.parametrize("bits", SMALL)
@pytest.mark.spec("J-055")
def test_the_short_examples_of_the_draft_hold(bits):
    """Bits are counted from the lowest, which half of all first attempts get wrong."""
    statuses, lst = SMALL[bits]

    packed = pack_statuses(dict(enumerate(statuses)), size=len(statuses), bits=bits)

    assert packed == decode_status_list(lst)
    assert statuses == [status_at(packed, index, bits=bits) for index in range(len(statuses))]


@pytest.mark.parametrize("bits", LARGE)
@pytest.mark.spec("J-055")
def test_the_long_examples_of_the_draft_hold(bits):
    """A list of a million places, as resource servers of others read it."""
    statuses, lst = LARGE[bits]

    packed = pack_statuses(statuses, size=PLACES, bits=bits)

    # Compressors may differ in what they write, never in what it unpacks to.
    assert packed == decode_status_list(lst) == decode_status_list(encode_status_list(packed))
    assert statuses == {
        index: status
        for index in (*statuses, 1, 2, PLACES - 1)
        if (status := status_at(packed, index, bits=bits))
    }


@given(
    st.sampled_from([1, 2, 4, 8]).flatmap(
        lambda bits: st.tuples(
            st.just(bits), st.lists(st.integers(0, 2**bits - 1), min_size=1, max_size=70)
        )
    )
)
def test_every_place_says_what_was_put_there(case):
    """No place speaks for its neighbour, whatever the width."""
    bits, statuses = case

    packed = pack_statuses(dict(enumerate(statuses)), size=len(statuses), bits=bits)
    unpacked = decode_status_list(encode_status_list(packed))

    assert statuses == [status_at(unpacked, index, bits=bits) for index in range(len(statuses))]


@pytest.mark.parametrize(
    ("statuses", "size", "bits"),
    [({8: 1}, 8, 1), ({-1: 1}, 8, 1), ({0: 2}, 8, 1), ({0: -1}, 8, 1), ({0: 1}, 8, 3)],
    ids=["beyond", "negative-place", "too-large", "negative", "width"],
)
def test_what_a_list_cannot_hold_is_an_error(statuses, size, bits):
    """Written all the same it would revoke somebody else's token."""
    with pytest.raises(StatusListError):
        pack_statuses(statuses, size=size, bits=bits)


@pytest.mark.parametrize("index", [-1, 16, 10**9])
@pytest.mark.spec("J-057")
def test_a_place_outside_the_list_has_no_status(index):
    """A token that names it is refused, not taken for valid."""
    with pytest.raises(StatusListError):
        status_at(decode_status_list(SMALL[1][1]), index, bits=1)


@pytest.mark.parametrize(
    "lst",
    [
        "",
        "====",
        "eNrb",
        encode(b"plain"),
        encode(zlib.compress(b"x") + b"more"),
        encode(zlib.compress(bytes(65))),
    ],
    ids=["empty", "padding", "cut", "not-packed", "more-behind", "bomb"],
)
def test_a_list_that_cannot_be_read_is_refused(lst):
    """What a few octets unpack to may be any size, and half a list hides revocations."""
    with pytest.raises(StatusListError):
        decode_status_list(lst, limit=64)


def test_statuses_have_the_numbers_of_the_draft():
    """§7.1: 1 is revoked for good, 2 for a while."""
    assert (0, 1, 2) == (TokenStatus.VALID, TokenStatus.INVALID, TokenStatus.SUSPENDED)
