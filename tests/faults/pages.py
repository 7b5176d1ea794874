"""Which bytes of an SQLite file hold something (https://sqlite.org/fileformat2.html, §1.6)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

HEADER_BYTES: Final = 100  # of the file, on its first page
INTERIOR: Final = (2, 5)  # index, table
TABLE_LEAF: Final = 13
TABLE_INTERIOR: Final = 5


class Place(NamedTuple):
    """A byte of the file, by its offset, and whether anything is kept there."""

    offset: int
    is_used: bool


def bytes_of(path: Path, *names: str) -> list[Place]:
    """Return every byte of the pages that hold the tables and indexes *names*."""
    octets = path.read_bytes()
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    marks = ", ".join("?" for _ in names)
    pages: list[Any] = connection.execute(
        f"SELECT pageno, pagetype, pgsize, payload FROM dbstat WHERE name IN ({marks})",  # noqa: S608 - question marks
        names,
    ).fetchall()
    connection.close()
    places = []
    for number, kind, size, payload in pages:
        start = (number - 1) * size
        page = octets[start : start + size]
        used = (
            _overflow(payload)
            if kind == "overflow"
            else _tree(page, HEADER_BYTES if number == 1 else 0)
        )
        taken = {offset for first, behind in used for offset in range(first, behind)}
        places += [Place(start + offset, offset in taken) for offset in range(size)]
    return places


def _overflow(payload: int) -> Iterator[tuple[int, int]]:
    """Yield what an overflow page holds: the number of the next, and content."""
    yield 0, 4 + payload


def _tree(page: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Yield what a page of a tree holds from *start* on: header, places of its cells, the cells."""
    kind, cells = page[start], int.from_bytes(page[start + 3 : start + 5], "big")
    pointers = start + (12 if kind in INTERIOR else 8)
    yield 0, pointers + 2 * cells
    for number in range(cells):
        at = pointers + 2 * number
        cell = int.from_bytes(page[at : at + 2], "big")
        yield cell, _behind(page, cell, kind)


def _behind(page: bytes, cell: int, kind: int) -> int:
    """Return where the cell at *cell* ends."""
    at = cell + (4 if kind in INTERIOR else 0)
    size, at = _number(page, at)
    if kind == TABLE_INTERIOR:
        return at
    if kind == TABLE_LEAF:
        _, at = _number(page, at)
    local = _local(size, len(page), kind)
    return max(at + local + (4 if local < size else 0), cell + 4)


def _local(size: int, page_bytes: int, kind: int) -> int:
    """Return how much of a payload stands on the page; the rest is on overflow pages."""
    least = (page_bytes - 12) * 32 // 255 - 23
    most = page_bytes - 35 if kind == TABLE_LEAF else (page_bytes - 12) * 64 // 255 - 23
    if size <= most:
        return size
    fitting = least + (size - least) % (page_bytes - 4)
    return fitting if fitting <= most else least


def _number(page: bytes, at: int) -> tuple[int, int]:
    """Return the variable-length integer at *at*, and where it ends."""
    value = 0
    for step in range(9):
        octet = page[at + step]
        if step == 8:
            return value << 8 | octet, at + 9
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            break
    return value, at + step + 1
