"""From the JSON a client sent to values that are valid one by one, or all that is wrong."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from registrary.core.errors import FieldError, Problem
from registrary.core.metadata import extensions, openid, rfc7591
from registrary.core.metadata.field import Field
from registrary.core.metadata.offer import Offer

FIELDS: Final[tuple[Field[Any], ...]] = (*rfc7591.FIELDS, *openid.FIELDS, *extensions.FIELDS)
"""Every member of client metadata; the order decides which problem names the error code."""

BY_NAME: Final[dict[str, Field[Any]]] = {field.name: field for field in FIELDS}
POSITION: Final[dict[str, int]] = {field.name: place for place, field in enumerate(FIELDS)}
DESCRIPTION_LIMIT: Final = 1000  # characters of error_description

# RFC 5646 §2.1, without grandfathered tags: a language of 2 to 8 letters, then subtags.
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_TAG_LIMIT: Final = 35  # characters


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a document holds: valid *values*, *problems* in deciding order, *dropped* names."""

    values: dict[str, Any]
    problems: tuple[Problem, ...]
    dropped: tuple[str, ...]


def parse_document(document: Mapping[str, Any], offer: Offer) -> Parsed:
    """Judge each member of *document* by itself.

    ``null`` and the empty string read as absent, ``[]`` is a value. Members that are not known,
    or whose feature *offer* lacks, are dropped (RFC 7591 §2).
    """
    known = _known(offer.features)
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    dropped: list[str] = []
    for name, value in document.items():
        field = known.get(name) or _tagged(name, known)
        if field is None:
            dropped.append(name)
        elif value is not None and value != "":
            try:
                values[name] = _accepted(field, value, offer)
            except FieldError as error:
                problems.append(Problem(error.code or field.error, name, error.rule, field.section))
    problems += _ambiguous_tags(values)
    return Parsed(values, in_deciding_order(problems), tuple(dropped))


def in_deciding_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return *problems* in the order of the table, ``redirect_uris`` first."""
    last = len(FIELDS)
    return tuple(
        sorted(problems, key=lambda problem: POSITION.get(problem.field.partition("#")[0], last))
    )


def describe(problems: Iterable[Problem]) -> str:
    """Return all *problems* in one line of bounded ASCII: members and rules, never values."""
    text = "; ".join(f"{problem.field}: {problem.rule}" for problem in problems)
    text = text.encode("ascii", "replace").decode("ascii")
    return text if len(text) <= DESCRIPTION_LIMIT else text[: DESCRIPTION_LIMIT - 3] + "..."


def base_name(name: str) -> str:
    """Return the member that a language-tagged *name* belongs to."""
    return name.partition("#")[0]


@lru_cache(maxsize=64)
def _known(features: frozenset[Any]) -> dict[str, Field[Any]]:
    return {
        field.name: field for field in FIELDS if field.feature is None or field.feature in features
    }


def _tagged(name: str, known: Mapping[str, Field[Any]]) -> Field[Any] | None:
    """Return the row of a member with a language tag (RFC 7591 §2.2), or None."""
    base, separator, tag = name.partition("#")
    field = known.get(base) if separator else None
    if field is None or not field.is_internationalized:
        return None
    return field if len(tag) <= _TAG_LIMIT and _LANGUAGE_TAG.fullmatch(tag) else None


def _accepted(field: Field[Any], value: object, offer: Offer) -> object:
    parsed = field.parse(value)
    if field.announced_by is None:
        return parsed
    if isinstance(parsed, list):
        if all(offer.accepts(field.announced_by, item) for item in parsed):
            return parsed
    elif offer.accepts(field.announced_by, parsed):
        return parsed
    raise FieldError(f"must be one of {field.announced_by}")


def _ambiguous_tags(values: Mapping[str, Any]) -> list[Problem]:
    """Tags are compared without case: two spellings of one are a contradiction (§2.2)."""
    seen: dict[str, str] = {}
    problems = []
    for name in values:
        if "#" not in name:
            continue
        base, _, tag = name.partition("#")
        slot = f"{base}#{tag.lower()}"
        if slot in seen:
            rule = "must not be given twice for one language"
            problems.append(Problem("invalid_client_metadata", base, rule, "RFC 7591 §2.2"))
        seen[slot] = name
    return problems
