"""Printing: tables for people, JSON for machines, colours only where somebody looks."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE: Final = 10_000  # columns where nobody looks: a line in a pipe is one line


def print_json(value: object) -> None:
    """Print *value* as one line of JSON."""
    print(msgspec.json.encode(value).decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print *rows* under *columns*. What strangers chose, such as names, is shown as it is."""
    console = Console() if sys.stdout.isatty() else Console(width=WIDE)
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    console.print(table)


def print_members(members: Mapping[str, Any] | msgspec.Struct) -> None:  # Any: a record's members
    """Print one record, a member a line."""
    shown_members: dict[str, Any] = msgspec.to_builtins(members)
    width = max((len(name) for name in shown_members), default=0)
    for name, value in shown_members.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        print(f"{name:<{width}}  {visible(text)}")


def visible(text: str) -> str:
    """Return *text* with what would act on a terminal, or reorder it, spelt out."""
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode()
        for one in text
    )
