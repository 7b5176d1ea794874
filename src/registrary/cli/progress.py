"""Bars for long work, on standard error and only where somebody looks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


@contextmanager
def progress_bars() -> Iterator[Callable[[str], Progress]]:
    """Return what makes a bar for a stage of the work; bars go when the work is done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

    def begin(stage: str) -> Callable[[int, int], None]:
        bar = bars.add_task(stage, total=None)
        return lambda done, total: bars.update(bar, completed=done, total=total)

    with bars:
        yield begin
