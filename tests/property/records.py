"""Any record of any kind: whatever the types of its fields allow."""

from datetime import UTC, datetime, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from registrary.core.changes import Record
from registrary.storage.shared.kinds import KINDS

# Texts in keys: those that PostgreSQL can hold, which are all that the server makes.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {  # Any: types, and values of them
    str: TEXTS,
    bytes: st.binary(max_size=40),
    bool: st.booleans(),
    int: st.integers(0, 2**53),
    NoneType: st.none(),
    Any: JSON,
    datetime: st.datetimes(timezones=st.just(UTC)),
    timedelta: st.timedeltas(timedelta(0), timedelta(days=3650)),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:  # Any: a type, and values of it
    """Return values of a type as fields of records have it."""
    if kind in SIMPLE:
        return SIMPLE[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return st.one_of([values_of(one) for one in arguments])
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=3)
    if issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    return structs_of(kind)


def structs_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:  # Any: of that type
    """Return structs of a type; members with a default are left out now and then."""
    fields = msgspec.structs.fields(kind)
    required = {field.name: values_of(field.type) for field in fields if field.required}
    optional = {field.name: values_of(field.type) for field in fields if not field.required}
    members = st.fixed_dictionaries(required, optional=optional)
    return members.map(lambda given: kind(**given))


def records() -> st.SearchStrategy[Record]:
    """Return a record of any kind; it belongs to some issuer."""
    every = st.one_of([structs_of(kind.record_type) for kind in KINDS])
    return every.filter(lambda record: bool(record.issuer))
