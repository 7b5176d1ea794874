"""Texts that PostgreSQL cannot hold, and so holds no record under."""

import re
from typing import Final

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Tell whether *text* can be a value of type ``text``: no U+0000, no lone surrogates."""
    return _UNSTORABLE.search(text) is None


def cursor_of(text: str, *, descending: bool) -> str:
    """Return a storable text with the same stored keys behind it as *text*.

    No stored key begins with what stands before the first character that cannot be stored, and
    that character; so only the side on which the others are matters.
    """
    found = _UNSTORABLE.search(text)
    if found is None:
        return text
    head = text[: found.start()]
    if found[0] == "\0":
        return f"{head}\1" if descending else head
    return f"{head}\ue000" if descending else f"{head}\ud7ff\U0010ffff"
