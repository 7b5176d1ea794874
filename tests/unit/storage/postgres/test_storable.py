"""A cursor that cannot be stored leads where it would if it could."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registrary.storage.postgres.storable import cursor_of, is_storable

ODD = st.text(alphabet=st.sampled_from("\0\1ab\ud7ff\ud800\ue000\U0010ffff"), max_size=4)
STORED = st.lists(
    st.text(alphabet=st.sampled_from("\1ab\ud7ff\ue000\U0010ffff"), max_size=3), max_size=9
)


@pytest.mark.parametrize("text", ["", "a", "é", "\U0001f418", "\1"])
def test_most_texts_are_storable(text):
    """Names are written in every script."""
    assert is_storable(text)


@pytest.mark.parametrize("text", ["\0", "a\0", "\ud800", "a\udfffb"])
def test_a_database_of_text_holds_no_such_thing(text):
    """What would be an error of the database is an answer instead."""
    assert not is_storable(text)


@given(STORED, ODD)
def test_a_cursor_leads_to_what_is_behind_it(stored, after):
    """A page goes on where the cursor says, whatever somebody wrote into it."""
    cursor = cursor_of(after, descending=False)

    assert is_storable(cursor)
    assert {key for key in stored if key > after and "\ud7ff\U0010ffff" not in key} == {
        key for key in stored if key > cursor and "\ud7ff\U0010ffff" not in key
    }


@given(STORED, ODD)
def test_a_cursor_leads_back_to_what_is_before_it(stored, after):
    """The same from the greatest key down."""
    cursor = cursor_of(after, descending=True)

    assert is_storable(cursor)
    assert {key for key in stored if key < after} == {key for key in stored if key < cursor}
