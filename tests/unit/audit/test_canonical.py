"""Canonical JSON has one spelling for one value, the one RFC 8785 gives it."""

import json
import sys
from collections.abc import Iterator
from enum import StrEnum

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registrary.audit.canonical import (
    MAX_INTEGER,
    CanonicalError,
    Json,
    all_portable,
    canonical,
    canonical_struct,
    portable,
)

SHORT_ESCAPES = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
WIDE_TEXT = st.text(
    st.sampled_from("aZ\x7f\x80\xe9\u20ac\ud7ff\ue000\ufb33\uffff\U00010000\U0001f600\U0010ffff"),
    max_size=3,
)
NUMBERS = st.integers(-MAX_INTEGER, MAX_INTEGER)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT | WIDE_TEXT, inner, max_size=4)
    ),
    max_leaves=20,
)


def spelt_by_the_book(value: object) -> Iterator[str]:
    """Yield the pieces of canonical JSON, written from RFC 8785 §3.2 without any library."""
    if value is None or isinstance(value, bool):
        yield {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, int):
        yield str(value)
    elif isinstance(value, str):
        yield f'"{"".join(escaped_by_the_book(letter) for letter in value)}"'
    elif isinstance(value, list):
        yield "["
        for place, member in enumerate(value):
            yield "," * (place > 0)
            yield from spelt_by_the_book(member)
        yield "]"
    elif isinstance(value, dict):
        yield "{"
        for place, name in enumerate(sorted(value, key=utf16_units)):
            yield "," * (place > 0)
            yield from spelt_by_the_book(name)
            yield ":"
            yield from spelt_by_the_book(value[name])
        yield "}"


def escaped_by_the_book(letter: str) -> str:
    """Return *letter* as it stands inside a string (RFC 8785 §3.2.2.2)."""
    point = ord(letter)
    return SHORT_ESCAPES.get(point, f"\\u{point:04x}" if point < 32 else letter)


def utf16_units(name: str) -> list[int]:
    """Return the code units of *name* in UTF-16, which names are sorted by (§3.2.3)."""
    units = []
    for point in map(ord, name):
        if point < 0x10000:
            units.append(point)
        else:
            units += [0xD800 + (point - 0x10000 >> 10), 0xDC00 + (point - 0x10000 & 0x3FF)]
    return units


@given(VALUES)
@settings(deadline=None)
def test_every_value_is_spelt_as_the_rfc_says(value):
    """An auditor's JSON library, in whatever language, writes the bytes that we hashed."""
    assert "".join(spelt_by_the_book(value)).encode() == canonical(value)


def test_every_character_is_escaped_as_the_rfc_says():
    """The encoder we borrow was made for speed; nothing in its promises mentions RFC 8785."""
    points = [*range(0xD800), *range(0xE000, 0x11000), *range(0x11000, 0x110000, 251)]

    wrong = [
        point
        for point in points
        if canonical(chr(point)) != f'"{escaped_by_the_book(chr(point))}"'.encode()
    ]

    assert [] == wrong


def test_names_are_sorted_as_in_the_example_of_the_rfc():
    """RFC 8785 §3.2.3: a smiley sorts before a Hebrew letter, though its code point is greater."""
    shuffled = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\x80": "Control",
        "\xf6": "Latin Small Letter O With Diaeresis",
    }

    spelling = canonical({"outer": [shuffled]})

    expected = ["\r", "1", "\x80", "\xf6", "\u20ac", "\U0001f600", "\ufb33"]
    assert expected == list(json.loads(spelling)["outer"][0])


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        1.0,
        float("nan"),
        float("inf"),
        MAX_INTEGER + 1,
        -MAX_INTEGER - 1,
        b"octets",
        {1: "a name that is a number"},
        {"deep": [{"deeper": [0.5]}]},
        {1, 2},
        "\ud800",
        {"\udfff": 1},
        object(),
    ],
    ids=lambda value: type(value).__name__ + "-" + ascii(value)[:16],
)
def test_what_has_no_canonical_form_is_refused(value):
    """A value that two readers could read differently must not be hashed as if it were one."""
    with pytest.raises(CanonicalError):
        canonical(value)


@pytest.mark.parametrize("number", [0, -1, MAX_INTEGER, -MAX_INTEGER])
def test_integers_that_every_reader_holds_are_written(number):
    """Counts and lifetimes are the numbers events have."""
    assert str(number).encode() == canonical(number)


def test_a_word_of_an_enumeration_is_a_word():
    """Tags and outcomes are enumerations; the log keeps their text."""

    class Colour(StrEnum):
        RED = "red"

    assert b'{"colour":"red"}' == canonical({"colour": Colour.RED})


def test_depth_has_no_limit_of_ours_and_ends_in_our_error():
    """What nests deeper than the interpreter can follow is refused, not a crash."""
    value: list[Json] = []
    for _ in range(sys.getrecursionlimit() * 200):
        value = [value]

    assert all_portable([value])
    with pytest.raises(CanonicalError):
        canonical(value)


def test_members_of_structs_are_sorted_too():
    """An event is a struct, and its members were not declared in the order of the alphabet."""

    class Inner(msgspec.Struct):
        zulu: int
        alpha: dict[str, int]

    class Outer(msgspec.Struct):
        second: Inner
        first: str

    spelling = canonical_struct(Outer(Inner(1, {"\ufb33": 1, "\U0001f600": 2}), "f"))

    assert '{"first":"f","second":{"alpha":{"\U0001f600":2,"\ufb33":1},"zulu":1}}' == (
        spelling.decode()
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [(1.5, "1.5"), (2**53, "9007199254740992"), (-(2**70), "-1180591620717411303424")],
)
def test_numbers_of_strangers_become_text(number, text):
    """A key with an odd member must not stop a registration from being recorded."""
    value = {"keys": [{"kty": "EC", "odd": number, "plain": [1, True, None, ("x",)]}]}

    kept = portable(value)

    assert {"keys": [{"kty": "EC", "odd": text, "plain": [1, True, None, ["x"]]}]} == kept
    assert all_portable([kept])


def test_what_is_no_json_does_not_become_text():
    """Only numbers are rewritten; anything else that is no JSON is a bug of the caller."""
    with pytest.raises(CanonicalError):
        portable({"octets": b"x"})
