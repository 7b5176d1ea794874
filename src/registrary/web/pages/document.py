"""What a template makes of its values."""

from typing import NamedTuple


class Document(NamedTuple):
    """A page before its frame: *title* is text, *main* is markup."""

    title: str
    main: str
