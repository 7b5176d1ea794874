"""Parameters of a query or a form (RFC 6749 §3.1, §3.2, Appendix B)."""

from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

PARAMETER_LIMIT: Final = 100  # parameters in one request
REPEATABLE: Final = frozenset({"resource", "audience"})  # RFC 8707 §2, RFC 8693 §2.1


class ParameterError(ValueError):
    """The parameters cannot be read; the text names the rule, never a value."""


class Parameters(msgspec.Struct, frozen=True):
    """Parameters by name. One sent without a value reads as omitted (RFC 6749 §3.1).

    *bare* are the names of those: a parameter of our own may demand a value of who sends it.
    """

    values: dict[str, tuple[str, ...]]
    bare: frozenset[str] = frozenset()

    def get(self, name: str) -> str | None:
        """Return the value of *name*, or None."""
        found = self.values.get(name)
        return found[0] if found else None

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a repeatable parameter, in order."""
        return self.values.get(name, ())

    def was_sent(self, name: str) -> bool:
        """Tell whether *name* was sent, with a value or without."""
        return name in self.values or name in self.bare

    def __contains__(self, name: str) -> bool:
        """Tell whether *name* was sent with a value."""
        return name in self.values


def parse_parameters(text: str | bytes, *, repeatable: frozenset[str] = REPEATABLE) -> Parameters:
    """Read ``application/x-www-form-urlencoded`` *text*.

    Raises `ParameterError` for a repeated parameter that is not *repeatable*, for bytes that
    are not UTF-8 and for too many parameters.
    """
    raw = text.encode("latin-1") if isinstance(text, str) else text
    if not raw:
        return Parameters({})
    pairs = raw.split(b"&")
    if len(pairs) > PARAMETER_LIMIT:
        raise ParameterError("there are too many parameters")
    values: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        _add(values, _decoded(name), _decoded(value), repeatable=repeatable)
    given = {name: sent for name, sent in values.items() if any(sent)}
    if len(given) == len(values):
        return Parameters(given)
    return Parameters(given, frozenset(values.keys() - given.keys()))


def _add(
    values: dict[str, tuple[str, ...]], name: str, value: str, *, repeatable: frozenset[str]
) -> None:
    if name in values and name not in repeatable:
        raise ParameterError("a parameter is repeated")
    values[name] = (*values.get(name, ()), value)


def _decoded(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise ParameterError("a parameter is not UTF-8") from None
