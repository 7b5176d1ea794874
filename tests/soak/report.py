"""The report of a soak, for people."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from tests.faults.ledger import WRITES, Outcome
from tests.soak.running import Course

MEBIBYTE: Final = 2**20
NO_MISHAP: Final = "none of these"
# What leaves traces that are counted in the end.
TRACED: Final = {*WRITES, "visit", "code", "revoke", "suspend", "resume"}
# What is asked for so often that a pause tells of an outage.
FREQUENT: Final = {*WRITES, "read", "token", "introspect", "refresh", "visit", "code"}
Row = Sequence[str | int | float]


def report(course: Course) -> str:
    """Return what happened, as text in tables."""
    book, plan = course.book, course.plan
    last = course.examined[-1] if course.examined else None
    lost = sum(last.lost.values()) if last else 0
    duplicated = sum(last.duplicated.values()) if last else 0
    worked = sum(end - start for start, end in course.parts)
    lines = [
        f"{worked / 60:.1f} minutes of load, {plan.callers} callers, seed {plan.seed}",
        f"requests sent        {book.sent}",
        f"acknowledged         {book.total(Outcome.ACKNOWLEDGED)}",
        f"lost                 {lost}",
        f"duplicated           {duplicated}",
        f"refused with 503     {book.total(Outcome.REFUSED)}",
        f"connection ended     {book.total(Outcome.LOST)}",
        f"no connection        {book.total(Outcome.UNREACHED)}",
        f"wrong answers        {book.total(Outcome.WRONG)}",
        f"slowest answer       {book.slowest:.1f} s",
        f"longest outage       {longest(course, times_of_writes(course)):.1f} s without any write",
        f"clients at the end   {last.clients if last else '-'}",
        f"events of clients    {last.events if last else '-'}",
        f"looked at all        {len(course.examined)} times",
        f"findings             {len(course.findings)}",
        *(f"  {text}" for text in course.findings[:20]),
        "",
        *table(REQUESTS, rows_of_requests(course)),
        "",
        *table(MISHAPS, rows_of_mishaps(course)),
        "",
        *stops(course),
        "",
        *table(MEMORY, rows_of_memory(course)),
    ]
    return "\n".join(lines)


REQUESTS: Final = (
    "request",
    "sent",
    "acknowledged",
    "refused as it must",
    "503",
    "no answer",
    "no connection",
    "lost",
    "duplicated",
    "longest pause, s",
)
MISHAPS: Final = ("what happened", "times", "longest outage, s", "median, s", "503s")
MEMORY: Final = ("MiB", "at begin", "at end", "most")


def rows_of_requests(course: Course) -> Iterable[Row]:
    """Return a row for each kind of request."""
    book, last = course.book, course.examined[-1] if course.examined else None
    for kind in sorted({kind for kind, _ in book.counts}):
        counts = {outcome: book.counts[kind, outcome] for outcome in Outcome}
        yield (
            kind,
            sum(counts.values()),
            counts[Outcome.ACKNOWLEDGED],
            counts[Outcome.DENIED],
            counts[Outcome.REFUSED],
            counts[Outcome.LOST],
            counts[Outcome.UNREACHED],
            last.lost[kind] if last and kind in TRACED else "-",
            last.duplicated[kind] if last and kind in TRACED else "-",
            f"{longest(course, book.acknowledged_at[kind]):.1f}" if kind in FREQUENT else "-",
        )


def rows_of_mishaps(course: Course) -> Iterable[Row]:
    """Return a row for each kind of mishap: the longest while in it without an acknowledged write.

    A pause belongs to a mishap if they overlap.
    """
    writes = times_of_writes(course)
    for kind in sorted({happening.kind for happening in course.happenings}):
        windows = [(one.start, one.end) for one in course.happenings if one.kind == kind]
        outages = sorted(pause_in(writes, window) for window in windows)
        refused = sum(
            1 for at in course.book.refused_at for start, end in windows if start <= at <= end
        )
        median = outages[len(outages) // 2]
        yield kind, len(windows), f"{outages[-1]:.1f}", f"{median:.1f}", refused
    quiet = [pause_within(writes, window) for window in quiet_windows(course)]
    yield NO_MISHAP, "", f"{max(quiet, default=0.0):.1f}", "", ""


def stops(course: Course) -> list[str]:
    """Return how soon suspended clients were stopped."""
    seconds = [stop.seconds for stop in course.book.stops if stop.seconds is not None]
    held = sum(tries.holds.acknowledged for tries in course.book.held.values())
    return [
        f"{held} clients were suspended, and asked both nodes for tokens from then on;",
        f"after the operator's answer a token was still given {len(seconds)} times,",
        f"the last to one who asked {max(seconds, default=0.0) * 1000:.0f} ms after it.",
    ]


def rows_of_memory(course: Course) -> Iterable[Row]:
    """Return a row for each part that was watched."""
    for part in sorted({part for _, held in course.memory for part in held}):
        held = [sample[part] for _, sample in course.memory]
        yield part, held[0] // MEBIBYTE, held[-1] // MEBIBYTE, max(held) // MEBIBYTE


def times_of_writes(course: Course) -> list[float]:
    """Return when writes were acknowledged, in order."""
    lists = (times for kind, times in course.book.acknowledged_at.items() if kind in WRITES)
    return sorted(moment for times in lists for moment in times)


def longest(course: Course, times: list[float]) -> float:
    """Return the longest pause between *times* while callers worked, its edges included."""
    pauses = [
        later - earlier
        for start, end in course.parts
        for earlier, later in pairwise(
            [start, *sorted(moment for moment in times if start <= moment <= end), end]
        )
    ]
    return max(pauses, default=0.0)


def pause_in(times: Sequence[float], window: tuple[float, float]) -> float:
    """Return the longest pause between *times*, sorted, that overlaps with *window*."""
    start, end = window
    first, past = bisect_left(times, start), bisect_left(times, end)
    # The acknowledgements around the window end the pauses that reach out of it.
    moments = list(times[max(first - 1, 0) : past + 1])
    return max((b - a for a, b in pairwise(moments)), default=end - start)


def pause_within(times: Sequence[float], window: tuple[float, float]) -> float:
    """Return the longest pause between *times*, sorted, that does not reach out of *window*."""
    start, end = window
    inside = times[bisect_left(times, start) : bisect_left(times, end)]
    return max((b - a for a, b in pairwise(inside)), default=0.0)


def quiet_windows(course: Course) -> Iterable[tuple[float, float]]:
    """Return when callers worked and nothing happened."""
    for start, end in course.parts:
        inside = [one for one in course.happenings if start <= one.start < end]
        edges = [start, *(edge for one in inside for edge in (one.start, one.end)), end]
        yield from zip(edges[::2], edges[1::2], strict=True)


def table(head: Sequence[str], rows: Iterable[Row]) -> list[str]:
    """Return lines with aligned columns; the first is text, the others are figures."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in cells
    ]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]
