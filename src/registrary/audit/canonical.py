"""Canonical JSON: one value has one spelling, in any language (RFC 8785).

Of the numbers only integers that every JSON reader holds exactly are written (RFC 8785 §3.2.2.3,
RFC 7493 §2.2), so that no rule for spelling fractions is needed on either side.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"
"""A JSON value without fractions. Sequences are lists or tuples, mappings are dicts."""

MAX_INTEGER: Final = 2**53 - 1

_sorted: Final = msgspec.json.Encoder(order="sorted")
_as_built: Final = msgspec.json.Encoder()
# msgspec sorts names by their UTF-8 octets, RFC 8785 §3.2.3 by UTF-16 code units. The two differ
# only where a name holds U+E000 or above, whose first octet is one of these.
_find_high_octet: Final = re.compile(rb"[\xee-\xff]").search


class CanonicalError(ValueError):
    """A value has no canonical form: a fraction, a huge integer, a lone surrogate, no JSON."""


def canonical(value: Json) -> bytes:
    """Return the canonical JSON of *value* (RFC 8785).

    Raises `CanonicalError` when it holds anything but strings of whole characters, integers
    up to `MAX_INTEGER`, booleans, null, lists and objects.
    """
    if not all_portable([value]):
        raise CanonicalError("must hold only strings, integers below 2**53, true, false and null")
    return _encode(value)


def canonical_struct(struct: msgspec.Struct) -> bytes:
    """Return the canonical JSON of *struct*, whose members were judged before.

    Numbers are not looked at: members whose type does not rule fractions and huge integers
    out must have passed `all_portable`. Raises `CanonicalError` as `canonical` does otherwise.
    """
    return _encode(struct)


def all_portable(values: Iterable[Any]) -> bool:  # Any: what is judged here
    """Tell whether every value, however deep, may stand in canonical JSON."""
    pending = list(values)
    extend = pending.extend
    for value in pending:  # the list grows while it is walked: no recursion, no depth limit
        kind = type(value)  # compared by identity, the common ones first: this runs per request
        if kind is str or kind is bool or value is None:
            continue
        if kind is dict:
            extend(value.values())
        elif kind is list or kind is tuple:
            extend(value)
        elif kind is int:
            if not -MAX_INTEGER <= value <= MAX_INTEGER:
                return False
        elif not isinstance(value, str):  # an enumeration of words is a word
            return False
    return True


def portable(value: object) -> Json:
    """Return *value* with each number that is not portable as a string of its digits.

    For JSON of strangers, which may hold fractions where nothing reads them. Raises
    `CanonicalError` for what is no JSON value.
    """
    if isinstance(value, dict):
        return {name: portable(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [portable(member) for member in value]
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int) and not -MAX_INTEGER <= value <= MAX_INTEGER:
        return str(value)
    if value is None or isinstance(value, str | int):
        return value
    raise CanonicalError("must be a JSON value")


def _encode(value: object) -> bytes:
    try:
        octets = _sorted.encode(value)
        if octets.isascii() or not _find_high_octet(octets):
            return octets
        return _as_built.encode(_sorted_by_utf16(msgspec.to_builtins(value)))
    except (TypeError, UnicodeEncodeError, RecursionError) as error:
        raise CanonicalError("must be a JSON value of whole characters") from error


def _sorted_by_utf16(value: object) -> object:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return {name: _sorted_by_utf16(value[name]) for name in names}
    if isinstance(value, list | tuple):
        return [_sorted_by_utf16(member) for member in value]
    return value
