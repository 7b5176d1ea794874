"""Headers of answers: what may be read, and for how long it may be kept."""

from datetime import timedelta

import pytest

from registrary.outbound.answer import Headers, fresh_for

SECONDS = {
    "nothing said": ([], None),
    "max-age": (["max-age=60"], 60),
    "max-age among others": (["public, max-age=60, must-revalidate"], 60),
    "upper case": (["Max-Age=60"], 60),
    "quoted": (['max-age="60"'], 60),
    "over two headers": (["public", "max-age=60"], 60),
    "no-store": (["no-store"], 0),
    "no-store beside max-age": (["max-age=60, no-store"], 0),
    "no-cache": (["no-cache"], 0),
    "no-cache of a member": (['no-cache="Set-Cookie", max-age=60'], 0),
    "zero": (["max-age=0"], 0),
    "negative": (["max-age=-1"], 0),
    "no number": (["max-age=soon"], 0),
    "other digits": (["max-age=\u00b2"], 0),
    "empty": (["max-age"], 0),
    "for ever": (["max-age=9999999999"], 86_400),
    "beyond any number": (["max-age=" + "9" * 5_000], 0),
    "for another cache": (["s-maxage=60"], None),
}


@pytest.mark.parametrize(("values", "expected"), SECONDS.values(), ids=SECONDS.keys())
def test_freshness_is_what_the_server_said(values, expected):
    """A document that must not be kept is not, and nonsense counts as such."""
    raw = [(b"Cache-Control", value.encode("latin-1")) for value in values]

    fresh = fresh_for(Headers.parse(raw))

    assert expected == (None if fresh is None else fresh.total_seconds())


@pytest.mark.parametrize(
    ("age", "expected"),
    [(b"10", 50), (b"60", 0), (b"61", 0), (b"x", 60), (b"-5", 60)],
)
def test_time_spent_in_caches_before_us_counts(age, expected):
    """A key taken back stops working when its owner expects it to."""
    raw = [(b"cache-control", b"max-age=60"), (b"age", age)]

    assert timedelta(seconds=expected) == fresh_for(Headers.parse(raw))


def test_a_repeated_header_is_no_header_where_one_is_wanted():
    """Of two answers to one question neither is believed."""
    headers = Headers.parse([(b"ETag", b'"a"'), (b"etag", b'"b"')])

    assert headers.one("etag") is None
    assert ['"a"', '"b"'] == headers.all("etag")
