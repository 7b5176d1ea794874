"""Which bytes are taken for JSON: those every reader reads alike."""

import json

import pytest

from registrary.core.strict_json import MAX_DEPTH, JsonError, parse, parse_object

REFUSED = {
    "duplicate-name": (b'{"a": 1, "a": 2}', "must not name a member twice"),
    "duplicate-name-by-escape": (b'{"a": 1, "\\u0061": 2}', "must not name a member twice"),
    "duplicate-name-inside": (b'{"jwks": {"k": 1, "k": 1}}', "must not name a member twice"),
    "nan": (b'{"a": NaN}', "must not hold NaN or Infinity"),
    "infinity": (b'{"a": Infinity}', "must not hold NaN or Infinity"),
    "minus-infinity": (b'{"a": -Infinity}', "must not hold NaN or Infinity"),
    "overflowing-float": (b'{"a": 1e999}', "must not hold a number beyond the range of a double"),
    "overflowing-negative": (
        b'{"a": -1e999}',
        "must not hold a number beyond the range of a double",
    ),
    "huge-integer": (b'{"a": 9007199254740992}', "must not hold an integer beyond 2**53"),
    "endless-integer": (
        b'{"a": ' + b"9" * 60_000 + b"}",
        "must not hold an integer beyond 2**53",
    ),
    "lone-high-surrogate": (b'{"a": "\\ud800"}', "must not hold a lone surrogate"),
    "lone-low-surrogate": (b'{"a": "\\uDC00x"}', "must not hold a lone surrogate"),
    "lone-surrogate-name": (b'{"\\ud83d": 1}', "must not hold a lone surrogate"),
    "reversed-pair": (b'{"a": "\\ude00\\ud83d"}', "must not hold a lone surrogate"),
    "not-utf-8": (b'{"a": "\xff"}', "must be UTF-8"),
    "overlong-utf-8": (b'{"a": "\xc0\xaf"}', "must be UTF-8"),
    "surrogate-in-utf-8": (b'{"a": "\xed\xa0\x80"}', "must be UTF-8"),
    "utf-16": ('{"a": 1}'.encode("utf-16-le"), "must be JSON (line 1, column 2)"),
    "byte-order-mark": (b'\xef\xbb\xbf{"a": 1}', "must be JSON, without a byte order mark"),
    "array": (b"[]", "must be a JSON object"),
    "string": (b'"{}"', "must be a JSON object"),
    "number": (b"1", "must be a JSON object"),
    "null": (b"null", "must be a JSON object"),
    "nothing": (b"", "must be JSON, and is empty"),
    "white-space": (b" \n ", "must be JSON, and is empty"),
    "on-the-third-line": (b'{\n"a": 1,\nb}', "must be JSON (line 3, column 1)"),
    "two-values": (b"{} {}", "must be JSON (line 1, column 4)"),
    "trailing-comma": (b'{"a": 1,}', "must be JSON (line 1, column 9)"),
    "comment": (b'{"a": 1} // no', "must be JSON (line 1, column 10)"),
    "single-quotes": (b"{'a': 1}", "must be JSON (line 1, column 2)"),
    "raw-control-character": (b'{"a": "\n"}', "must be JSON (line 1, column 8)"),
    "leading-zero": (b'{"a": 01}', "must be JSON (line 1, column 8)"),
    "deep-arrays": (b"[" * 60_000, f"must not nest deeper than {MAX_DEPTH}"),
    "deep-objects": (b'{"a":' * 12_000, f"must not nest deeper than {MAX_DEPTH}"),
    "one-too-deep": (
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        f"must not nest deeper than {MAX_DEPTH}",
    ),
}

TAKEN = {
    "empty": (b"{}", {}),
    "white-space": (b' \r\n\t{ "a" : 1 } \n', {"a": 1}),
    "utf-8": ('{"client_name": "Übung 日本"}'.encode(), {"client_name": "Übung 日本"}),
    "pair-of-escapes": (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    "escaped-backslash": (b'{"a": "\\\\ud800"}', {"a": "\\ud800"}),
    "names-in-two-objects": (b'{"a": {"k": 1}, "b": {"k": 2}}', {"a": {"k": 1}, "b": {"k": 2}}),
    "names-by-case": (b'{"a": 1, "A": 2}', {"a": 1, "A": 2}),
    "names-by-normal-form": (
        '{"\u00e9": 1, "e\u0301": 2}'.encode(),
        {"\u00e9": 1, "e\u0301": 2},
    ),
    "largest-integer": (b'{"a": 9007199254740991}', {"a": 2**53 - 1}),
    "smallest-integer": (b'{"a": -9007199254740991}', {"a": -(2**53 - 1)}),
    "float": (b'{"a": 1.5e3}', {"a": 1500.0}),
    "tiny-float": (b'{"a": 1e-999}', {"a": 0.0}),
    "brackets-in-strings": (b'{"a": "' + b"[{" * 1000 + b'"}', {"a": "[{" * 1000}),
    "quotes-and-brackets": (b'{"a": "\\"' + b"[" * 100 + b'"}', {"a": '"' + "[" * 100}),
}


@pytest.mark.spec("A-013", "A-001", "T-74")
@pytest.mark.parametrize(("body", "rule"), REFUSED.values(), ids=REFUSED.keys())
def test_what_two_readers_might_read_apart_is_refused(body, rule):
    """A proxy that checks one value must not have seen another than the one stored."""
    with pytest.raises(JsonError) as refused:
        parse_object(body)

    assert rule == refused.value.rule


@pytest.mark.spec("A-009")
@pytest.mark.parametrize(("body", "expected"), TAKEN.values(), ids=TAKEN.keys())
def test_plain_json_is_read_as_it_stands(body, expected):
    """Names and values compare code point by code point; normalising would merge them."""
    value = parse_object(body)

    assert expected == value


def test_many_shallow_objects_are_no_depth():
    """A key set holds more objects than any document nests."""
    keys = [{"kty": "EC", "crv": "P-256"}] * 100

    value = parse_object(json.dumps({"keys": keys}).encode())

    assert {"keys": keys} == value


def test_depth_is_counted_to_the_last_level_allowed():
    """A limit that is off by one refuses what the manual promises."""
    body = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH

    value = parse(body)

    assert 1 == len(value)


def test_booleans_stay_booleans():
    """Python counts true as 1; a parser of members tells them apart only if we do not mix them."""
    value = parse(b"[true, 1, false, 0, null]")

    assert [bool, int, bool, int, type(None)] == [type(item) for item in value]


@pytest.mark.parametrize(
    "body",
    [b'"' + b'\\"' * 30_000, b'"\\"' * 20_000, b"[" * 33 + b'"' + b"\\" * 60_001],
    ids=["escaped-quotes", "many-strings", "backslashes"],
)
def test_an_unfinished_string_is_scanned_once(body):
    """A scan that starts over at each quote takes minutes for one body of 60 kB."""
    hostile = b"[" * 33 + body

    with pytest.raises(JsonError):
        parse(hostile)
