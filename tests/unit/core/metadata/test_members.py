"""Validated metadata is read with its type and cannot be changed."""

import msgspec
import pytest

from registrary.core.metadata import Metadata
from registrary.core.metadata.openid import DEFAULT_MAX_AGE
from registrary.core.metadata.rfc7591 import CLIENT_NAME, REDIRECT_URIS

MEMBERS = {"redirect_uris": ["https://client.example/cb"], "default_max_age": 0}


def test_a_row_reads_its_member():
    """Code that says REDIRECT_URIS cannot mistype the name, and the checker knows the type."""
    metadata = Metadata(MEMBERS)

    assert ["https://client.example/cb"] == metadata[REDIRECT_URIS]
    assert 0 == metadata[DEFAULT_MAX_AGE]
    assert 0 == metadata["default_max_age"]


def test_a_missing_member_is_missed():
    """Absence is asked for where it is meant."""
    metadata = Metadata(MEMBERS)

    assert metadata.find(CLIENT_NAME) is None
    assert 0 == metadata.find(DEFAULT_MAX_AGE)
    with pytest.raises(KeyError):
        metadata[CLIENT_NAME]
    with pytest.raises(KeyError):
        metadata["client_name"]


@pytest.mark.parametrize(
    "change",
    [
        lambda metadata: metadata.update(client_name="x"),
        lambda metadata: metadata.__setitem__("client_name", "x"),
        lambda metadata: metadata.__delitem__("redirect_uris"),
        lambda metadata: metadata.__ior__({"client_name": "x"}),
        lambda metadata: metadata.pop("redirect_uris"),
        lambda metadata: metadata.popitem(),
        lambda metadata: metadata.clear(),
        lambda metadata: metadata.setdefault("client_name", "x"),
    ],
    ids=["update", "set", "delete", "merge", "pop", "popitem", "clear", "setdefault"],
)
def test_nothing_changes_what_was_judged(change):
    """A value put in afterwards would have passed no rule."""
    metadata = Metadata(MEMBERS)

    with pytest.raises(TypeError):
        change(metadata)

    assert MEMBERS == metadata


def test_it_is_encoded_and_compared_like_any_object():
    """Stores and answers need no special case."""
    metadata = Metadata(MEMBERS)

    assert MEMBERS == msgspec.json.decode(msgspec.json.encode(metadata))
    assert metadata == MEMBERS
