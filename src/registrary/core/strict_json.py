"""JSON as registration needs it: no member twice, and nothing that two parsers read apart.

Every fast parser tried takes duplicate names silently, the last one winning; a proxy could
then check one ``redirect_uris`` while another is stored (RFC 8259 §4). The standard library
lets us see every pair, and its scanner is compiled all the same.
"""

import json
import re
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 32
MAX_INTEGER: Final = 2**53 - 1  # the integers every JSON reader agrees on (RFC 8259 §6)
_INTEGER_CHARACTERS: Final = len(str(-MAX_INTEGER))

# Strings are swallowed whole, an unfinished one up to the end, so that each byte is seen once.
_STRUCTURE: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*"?|[\[{\]}]', re.DOTALL)
_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class JsonError(ValueError):
    """The bytes are not JSON as demanded here; *rule* is what was broken, never the bytes."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def parse_object(body: bytes, *, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """Return the one JSON object in *body*; raises `JsonError`."""
    value = parse(body, max_depth=max_depth)
    if not isinstance(value, dict):
        raise JsonError("must be a JSON object")
    return value


def parse(body: bytes, *, max_depth: int = MAX_DEPTH) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value in *body*; raises `JsonError`.

    Refused: other encodings than UTF-8, a byte order mark, a member name twice in one object,
    NaN and infinities however written, integers beyond 2**53, lone surrogates, and nesting
    deeper than *max_depth*. Text and names are compared as they are: nothing is normalised
    (RFC 7591 §1.1). How long *body* may be is for the caller, before it is read.
    """
    # Brackets inside strings count here too; few documents have so many that it matters.
    if body.count(b"{") + body.count(b"[") > max_depth:
        _check_depth(body, max_depth)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise JsonError("must be UTF-8") from None
    try:
        value = _DECODER.decode(text)
    except JsonError:
        raise
    except json.JSONDecodeError as error:
        raise JsonError(_not_json(error)) from None
    except (ValueError, RecursionError):
        raise JsonError("must be JSON") from None
    if b"\\u" in body and _SURROGATE_ESCAPE.search(body):
        _check_surrogates(value)
    return value


def _not_json(error: json.JSONDecodeError) -> str:
    """Return the rule that was broken, and where the reading ended."""
    if error.doc.startswith("\ufeff"):
        return "must be JSON, without a byte order mark"
    if not error.doc.strip():
        return "must be JSON, and is empty"
    return f"must be JSON (line {error.lineno}, column {error.colno})"


def _check_depth(body: bytes, max_depth: int) -> None:
    depth = 0
    for match in _STRUCTURE.finditer(body):
        token = match[0]
        if token in (b"{", b"["):
            depth += 1
            if depth > max_depth:
                raise JsonError(f"must not nest deeper than {max_depth}")
        elif token in (b"}", b"]"):
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise JsonError("must not name a member twice")
    return made


def _refuse_constant(_: str) -> NoReturn:
    raise JsonError("must not hold NaN or Infinity")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise JsonError("must not hold a number beyond the range of a double")
    return value


def _integer(text: str) -> int:
    # The length comes first: reading an integer takes time by the square of its digits.
    if len(text) > _INTEGER_CHARACTERS or abs(value := int(text)) > MAX_INTEGER:
        raise JsonError("must not hold an integer beyond 2**53")
    return value


def _check_surrogates(value: object) -> None:
    # An escaped pair has become one character by now; what cannot be encoded stands alone.
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise JsonError("must not hold a lone surrogate") from None


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_refuse_constant,
    parse_float=_float,
    parse_int=_integer,
)
