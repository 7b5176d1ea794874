"""Lists in the admin API: pages by cursor, and looking no further than is good for others."""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, Protocol, TypeVar

from registrary.ports.store import PageOf
from registrary.protocol.parameters import Parameters
from registrary.registrar.administration import NotPossible

PAGE_LIMIT: Final = 500  # records in one page
DEFAULT_LIMIT: Final = 100
SCAN_LIMIT: Final = 5000  # records looked at for one page of those that match


class Keyed(Protocol):
    """A record that a cursor can name."""

    @property
    def key(self) -> str:
        """Return what names it."""
        ...


T = TypeVar("T", bound=Keyed)


class Span(NamedTuple):
    """Which part of a list is wanted: behind which key (None: from the start), how many."""

    after: str | None
    limit: int


def page_limit(query: Parameters) -> int:
    """Return how many records a page shall have."""
    text = query.get("limit") or str(DEFAULT_LIMIT)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= PAGE_LIMIT:
        raise NotPossible(f"limit: must be between 1 and {PAGE_LIMIT}")
    return int(text)


async def scan(
    read: Callable[[str | None], Awaitable[PageOf[T]]], matches: Callable[[T], bool], span: Span
) -> tuple[list[T], str | None]:
    """Return the records of *span* that match, and the cursor to go on from.

    None means that there are no more. A page may be short, or empty, and still have a cursor:
    no more than about `SCAN_LIMIT` records are looked at.
    """
    found: list[T] = []
    after, seen = span.after, 0
    while seen < SCAN_LIMIT:
        page = await read(after)
        for place, record in enumerate(page.records, start=1):
            if matches(record):
                found.append(record)
            if len(found) == span.limit:
                is_last = place == len(page.records) and page.next_after is None
                return found, None if is_last else record.key
        if page.next_after is None:
            return found, None
        after, seen = page.next_after, seen + len(page.records)
    return found, after
