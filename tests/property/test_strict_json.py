"""Whatever the bytes, they are read as JSON or refused in our own words."""

import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from registrary.core.strict_json import JsonError, parse, parse_object

texts = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(body):
    """An exception of another kind would be a 500 for whoever finds it."""
    with contextlib.suppress(JsonError):
        parse_object(body)


@given(st.text('{}[]":,\\u0129dDeE-+.ntfaNI \n', max_size=60))
def test_no_arrangement_of_json_signs_breaks_the_parser(body):
    """Nearly valid text reaches further into the parser than noise does."""
    with contextlib.suppress(JsonError):
        parse(body.encode())


@given(values, st.booleans())
def test_what_was_written_is_read_back(value, ascii_only):
    """Refusing or changing honest JSON would lock honest clients out."""
    body = json.dumps(value, ensure_ascii=ascii_only).encode()

    assert value == parse(body)


@given(st.dictionaries(texts, scalars, min_size=1, max_size=5), st.data())
def test_a_repeated_name_is_refused_wherever_it_stands(members, data):
    """The two copies may stand far apart, spelt with escapes or without."""
    name = data.draw(st.sampled_from(sorted(members)))
    pairs = [*members.items()]
    pairs.insert(data.draw(st.integers(0, len(pairs))), (name, None))
    ascii_only = data.draw(st.booleans())
    text = ", ".join(
        f"{json.dumps(key, ensure_ascii=ascii_only)}: {json.dumps(value)}" for key, value in pairs
    )

    try:
        parse_object(f"{{{text}}}".encode())
        rule = "accepted"
    except JsonError as error:
        rule = error.rule

    assert "must not name a member twice" == rule
