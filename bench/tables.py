"""What people read: tables as lines of text. Pure."""

from collections.abc import Sequence

from bench.figures import Row, Sample, rows, select
from bench.fleet import Footprint
from bench.goals import Outcome

TITLES = {
    "register": "registration",
    "read": "read of one client",
    "token": "token, client credentials, ES256",
    "code": "code exchanged for access, refresh and ID token, ES256",
    "refresh": "refresh of a confidential client, ES256",
    "introspect": "introspection of a live access token",
    "list": "page of 100 clients in the admin API",
    "search": "page of up to 100 suspended clients in the admin API",
}


def load_table(samples: Sequence[Sample], operation: str, connections: int, *, base: str) -> str:
    """Return one operation at one number of connections; empty if nothing was measured."""
    table = rows(select(samples, operation, connections), base)
    if not table:
        return ""
    head = ("", "CPU μs", "db CPU μs", "req/s", "p50 ms", "p99 ms", f"× {base}")
    title = f"{TITLES[operation]}, {connections} connections, median of {table[0].samples} rounds"
    return f"{title}\n{columns([head, *(_cells(row) for row in table)])}"


def footprint_table(footprints: Sequence[Footprint]) -> str:
    """Return start times and memory of every server."""
    head = ("", "first start s", "restart s", "RSS idle MiB", "RSS after MiB", "clients then")
    lines = [
        (
            item.server,
            f"{item.first_start_seconds:.2f}",
            f"{_median(item.restart_seconds):.2f}" if item.restart_seconds else "",
            f"{item.idle_bytes / 2**20:.0f}",
            f"{item.loaded_bytes / 2**20:.0f}",
            f"{item.clients}",
        )
        for item in footprints
    ]
    return f"cold start to first answer, resident memory\n{columns([head, *lines])}"


def goal_table(outcomes: Sequence[Outcome]) -> str:
    """Return the goals that could be measured; empty if none."""
    if not outcomes:
        return ""
    head = ("goal (ratio of CPU per request)", "at most", "measured", "")
    lines = [
        (o.goal.text, f"{o.goal.most:.3f}", f"{o.measured:.3f}", "met" if o.is_met else "not met")
        for o in outcomes
    ]
    return columns([head, *lines])


def columns(lines: Sequence[Sequence[str]]) -> str:
    """Align *lines*: the first column to the left, others to the right, a rule below the head."""
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    texts = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    ]
    return "\n".join([texts[0], "-" * (sum(widths) + 2 * (len(widths) - 1)), *texts[1:]])


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.server,
        f"{row.cpu:.0f}",
        f"{row.database_cpu:.0f}" if row.database_cpu else "",
        f"{row.requests_per_second:.0f}",
        f"{row.median_ms:.1f}",
        f"{row.p99_ms:.1f}",
        f"{row.ratio:.2f}" if row.ratio is not None else "",
    )


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]
