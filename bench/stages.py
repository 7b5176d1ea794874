"""``python -m bench stages``: where the CPU of one registration goes.

The stages are measured one by one inside this process, the whole in a running server; what the
stages do not explain is the event loop, the sockets, the HTTP parser and the bookkeeping.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import uvloop

from bench import machine
from bench.comparison import Plan, Report, compare
from bench.figures import of_server, select
from bench.pipeline import Pipeline
from bench.servers import SERVERS
from bench.settings import file_settings
from bench.tables import columns
from bench.workshop import second_database, workshop

BATCH = 512
REST = "event loop, sockets, HTTP parser"


@dataclass(frozen=True, slots=True)
class Profile:
    """Microseconds of CPU by stage for one number of connections, and in the whole server."""

    connections: int
    stages: dict[str, float]
    whole: float | None

    @property
    def rest(self) -> float | None:
        """What the server spends beside the stages."""
        return None if self.whole is None else self.whole - sum(self.stages.values())


def main(arguments: Sequence[str]) -> int:
    """Profile registration as *arguments* say; 1 when the server failed to do its work."""
    parser = argparse.ArgumentParser(prog="python -m bench stages", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--connections", default="16,64", help="numbers, comma-separated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args(arguments)
    connections = tuple(int(number) for number in options.connections.split(","))
    rounds = 5 if options.quick else 15
    report = compare(_plan(connections, is_quick=options.quick), SERVERS, lambda _: None)
    profiles = [
        Profile(number, uvloop.run(_stages(number, rounds)), _whole(report, number))
        for number in connections
    ]
    print(" · ".join(f"{name} {value}" for name, value in machine.describe().items()))
    print(f"\n{profile_table(profiles)}")
    for failure in report.failures:
        print(f"FAILED: {failure}")
    if options.json:
        document = {"machine": machine.describe(), "profiles": [asdict(each) for each in profiles]}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 1 if report.failures else 0


def profile_table(profiles: Sequence[Profile]) -> str:
    """Return the stages as rows and the numbers of connections as columns."""
    head = ("CPU μs of one registration", *(f"{p.connections} connections" for p in profiles))
    lines = [(name, *(f"{p.stages[name]:.1f}" for p in profiles)) for name in profiles[0].stages]
    lines.append(("all stages", *(f"{sum(p.stages.values()):.1f}" for p in profiles)))
    lines.append((REST, *(_figure(p.rest) for p in profiles)))
    lines.append(("the whole server", *(_figure(p.whole) for p in profiles)))
    return columns([head, *lines])


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


async def _stages(connections: int, rounds: int) -> dict[str, float]:
    """Return the median of every stage, with as many rows to a COMMIT as there are connections."""
    with tempfile.TemporaryDirectory(prefix="registrary-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        async with workshop(file_settings(folder)) as shop, second_database(folder) as copy:
            pipeline = Pipeline(shop, copy)
            await pipeline.run(BATCH, connections)  # warms up
            found = [await pipeline.run(BATCH, connections) for _ in range(rounds)]
    return {stage: median(figures[stage] for figures in found) for stage in found[0]}


def _plan(connections: tuple[int, ...], *, is_quick: bool) -> Plan:
    return Plan(
        servers=("registrary",),
        operations=("register",),
        connections=connections,
        rounds=3 if is_quick else 7,
        seconds=0.5 if is_quick else 1.5,
        warm_seconds=1.0,
        restarts=0,
    )


def _whole(report: Report, connections: int) -> float | None:
    samples = of_server(select(report.samples, "register", connections), "registrary")
    return median(sample.cpu for sample in samples) if samples else None
