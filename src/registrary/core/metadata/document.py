"""From the JSON a client sent to values that are valid one by one, and all that is wrong."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from registrary.core.errors import FieldError, Problem
from registrary.core.metadata.field import INVALID_METADATA, Field
from registrary.core.metadata.offer import Offer
from registrary.core.metadata.table import FIELDS, base_name, position

DESCRIPTION_LIMIT: Final = 1000  # characters of error_description
LANGUAGES_LIMIT: Final = 100  # tagged members of one document

# RFC 5646 §2.1: a language of 2 to 8 letters or a private prefix, then subtags of 8 at most.
_LANGUAGE_TAG: Final = re.compile(
    r"(?:[A-Za-z]{2,8}|[xXiI](?=-))(?:-[A-Za-z0-9]{1,8}){0,8}", re.ASCII
)


class Parsed(msgspec.Struct, frozen=True):
    """What a document holds: valid *values*, *problems* in deciding order, *dropped* names."""

    values: dict[str, Any]  # Any: values of members are any JSON
    problems: tuple[Problem, ...]
    dropped: tuple[str, ...]


class _Reader(NamedTuple):
    """How one member is read under one offer; *accepted* is None where any value goes."""

    field: Field[Any]
    parse: Callable[[object], Any]
    accepted: frozenset[str] | None
    is_text: bool


def parse_document(  # noqa: C901 - one pass over the document, on the path of every registration
    document: Mapping[str, Any], offer: Offer
) -> Parsed:
    """Judge each member of *document* by itself.

    ``null`` reads as absent, and so does an empty string where a string belongs; ``[]`` is a
    value (A-039). Members that are not known, or that *offer* does not have, are dropped, never
    refused (RFC 7591 §2). All problems are found, not the first alone.
    """
    readers = _readers(offer)
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    dropped: list[str] = []
    tagged: list[str] = []
    for name, value in document.items():
        reader = readers.get(name)
        if reader is None:
            reader = _tagged_reader(name, readers) if "#" in name else None
            if reader is None:
                dropped.append(name)
                continue
            if value is not None and value != "":
                tagged.append(name)
                if len(tagged) > LANGUAGES_LIMIT:
                    continue  # refused for their number below; nobody needs to read them
        field, parse, accepted, is_text = reader
        if value is None or (value == "" and is_text):
            continue
        try:
            parsed = parse(value)
            if accepted is not None and not (
                accepted.issuperset(parsed) if type(parsed) is list else parsed in accepted
            ):
                raise FieldError(f"must be among {field.announced_by}")
        except FieldError as error:
            problems.append(Problem(error.code or field.error, name, error.rule, field.section))
        else:
            if parsed != "":  # a scope of nothing but spaces asks for nothing
                values[name] = parsed
    if tagged:
        problems += _language_problems(tagged)
    return Parsed(values, in_deciding_order(problems) if problems else (), tuple(dropped))


def in_deciding_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return *problems* in the order of the table, ``redirect_uris`` first.

    The first names the error code of the answer.
    """
    return tuple(sorted(problems, key=lambda problem: position(problem.field)))


def describe(problems: Iterable[Problem]) -> str:
    """Return all *problems* in one line of bounded ASCII: members and rules, never values.

    What does not fit is counted. Quotes and backslashes do not occur (RFC 7591 §3.2.2).
    """
    texts = list(dict.fromkeys(_sentence(problem) for problem in problems))
    described = "; ".join(texts)
    if len(described) <= DESCRIPTION_LIMIT:
        return described
    shown: list[str] = []
    length = 0
    for number, text in enumerate(texts, 1):
        length += len(text) + len("; ")
        if length + len(_rest(len(texts) - number)) > DESCRIPTION_LIMIT:
            break
        shown.append(text)
    return "; ".join([*shown, _rest(len(texts) - len(shown))])


def _rest(count: int) -> str:
    return f"and {count} more"


def _sentence(problem: Problem) -> str:
    text = f"{problem.field}: {problem.rule}" if problem.field else problem.rule
    text = text.encode("ascii", "replace").decode("ascii")
    return text if len(text) <= DESCRIPTION_LIMIT // 2 else text[: DESCRIPTION_LIMIT // 2] + "..."


@lru_cache(maxsize=256)
def _readers(offer: Offer) -> dict[str, _Reader]:
    return {field.name: _reader(field, offer) for field in FIELDS if offer.has(field)}


def _reader(field: Field[Any], offer: Offer) -> _Reader:
    parse = field.parse
    if offer.loopback_http and field.parse_with_loopback is not None:
        parse = field.parse_with_loopback
    listed = offer.accepted.get(field.announced_by) if field.announced_by else None
    accepted = None if listed is None or field.is_judged_between else frozenset(listed)
    # An enumeration has no type: its words say it.
    return _Reader(field, parse, accepted, field.schema.get("type", "string") == "string")


def _tagged_reader(name: str, readers: Mapping[str, _Reader]) -> _Reader | None:
    """Return the reader of a member with a language tag (RFC 7591 §2.2), or None.

    A tag where none belongs, or that is none, makes the member one that is not known (A-080).
    """
    base, _, tag = name.partition("#")
    reader = readers.get(base)
    if reader is None or not reader.field.is_internationalized:
        return None
    return reader if _LANGUAGE_TAG.fullmatch(tag) else None


def _language_problems(tagged: list[str]) -> list[Problem]:
    """Tags are compared without case: two spellings of one contradict each other (A-076)."""
    section = "RFC 7591 §2.2"
    if len(tagged) > LANGUAGES_LIMIT:
        rule = f"must not make more than {LANGUAGES_LIMIT} members with a language"
        return [Problem(INVALID_METADATA, base_name(tagged[0]), rule, section)]
    slots = [name.lower() for name in tagged]
    if len(set(slots)) == len(slots):
        return []
    ambiguous = {base_name(slot) for slot in slots if slots.count(slot) > 1}
    rule = "must not be given twice for one language"
    return [Problem(INVALID_METADATA, name, rule, section) for name in sorted(ambiguous)]
