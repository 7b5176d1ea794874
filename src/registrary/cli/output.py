"""Printing: tables for people, JSON for machines, colours only where somebody looks."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table


def print_json(value: object) -> None:
    """Print *value* as one line of JSON."""
    print(msgspec.json.encode(value).decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print *rows* under *columns*."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def print_members(members: Mapping[str, Any] | msgspec.Struct) -> None:  # Any: a record's members
    """Print one record, a member a line."""
    shown_members: dict[str, Any] = msgspec.to_builtins(members)
    width = max((len(name) for name in shown_members), default=0)
    for name, value in shown_members.items():
        shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        print(f"{name:<{width}}  {shown}")
