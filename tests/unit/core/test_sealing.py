"""Sealed secrets know their place."""

import itertools

from registrary.core.sealing import Place


def test_no_two_places_are_authenticated_alike():
    """A separator inside an id must not make one row look like another."""
    parts = ["a", "a|b", 'a","b', "b", ""]
    places = [Place(*names) for names in itertools.product(parts, repeat=4)]

    contexts = {place.associated_data(key_id) for place in places for key_id in ("k", "")}

    assert 2 * len(places) == len(contexts)
