"""JSON as registration needs it: one object, no member twice, nothing two parsers read apart.

Every fast parser tried takes duplicate names silently, the last one winning; a proxy could
then check one ``redirect_uris`` while another is stored (RFC 8259 §4). The standard library
lets us see every pair.
"""

import json
import re
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 32
MAX_INTEGER: Final = 2**53 - 1  # the integers every JSON reader agrees on (RFC 8259 §6)
_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


class JsonError(ValueError):
    """The bytes are not JSON as demanded here; the text is the rule that was broken."""

    @property
    def rule(self) -> str:
        """Return the broken rule."""
        return str(self)


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
    deeper than *max_depth*.
    """
    if body.count(b"{") + body.count(b"[") > max_depth:
        _check_depth(body, max_depth)
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise JsonError("must be UTF-8") from None
    except JsonError:
        raise
    except (ValueError, RecursionError):
        raise JsonError("must be JSON") from None
    if b"\\u" in body or b"\\U" in body:
        _check_surrogates(value)
    return value


def _check_depth(body: bytes, max_depth: int) -> None:
    depth = 0
    for token in _STRUCTURE.findall(body):
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
    if len(text) > 17 or abs(value := int(text)) > MAX_INTEGER:  # noqa: PLR2004 - digits of 2**53
        raise JsonError("must not hold an integer beyond 2**53")
    return value


def _check_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise JsonError("must not hold a lone surrogate") from None


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_refuse_constant,
    parse_float=_float,
    parse_int=_integer,
)
