"""``python -m bench scale``: what a request costs when there are very many clients.

Stores of several sizes are filled and served side by side, so that their figures are from the same
minutes. Then it is measured what a client takes on disk, and what it costs to look at all of them.
"""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import machine
from bench.comparison import OPERATIONS, Plan, Report, compare
from bench.figures import ratio, select
from bench.fleet import Footprint
from bench.servers import REGISTRARY, REGISTRARY_POSTGRES, Server
from bench.tables import TITLES, columns, footprint_table, load_table

STORES = {"sqlite": REGISTRARY, "postgres": REGISTRARY_POSTGRES}
SCALE_OPERATIONS = ("read", "token", "introspect", "list", "search", "register")
"""Registrations come last, because by them the small stores grow most."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How often the CPU of *operation* on the smallest store is spent on that of *server*."""

    operation: str
    server: str
    times: float


def main(arguments: Sequence[str]) -> int:
    """Measure as *arguments* say; 1 when a server failed to do its work."""
    parser = argparse.ArgumentParser(prog="python -m bench scale", description=__doc__)
    parser.add_argument("--sizes", default="1000,100000,1000000", help="clients, comma-separated")
    parser.add_argument("--stores", default=",".join(STORES), help="comma-separated")
    parser.add_argument("--operations", default=",".join(SCALE_OPERATIONS), help="comma-separated")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to FILE")
    options = parser.parse_args(arguments)
    sizes = sorted(int(size) for size in options.sizes.split(","))
    operations = tuple(options.operations.split(","))
    if not set(operations) <= {*OPERATIONS, "list", "search"}:
        parser.error("there is no such operation")
    reports = []
    print(" · ".join(f"{name} {value}" for name, value in machine.describe().items()))
    for store in options.stores.split(","):
        servers = catalogue(store, sizes)
        plan = _plan(tuple(servers), operations, options.rounds)
        report = compare(plan, servers, lambda _: None)
        print(f"\n{_text(plan, report)}", flush=True)
        reports.append(report)
    if options.json:
        found = [dataclasses.asdict(report) for report in reports]
        document = {"machine": machine.describe(), "reports": found}
        options.json.write_text(json.dumps(document, indent=1, default=str) + "\n")
    return 1 if any(report.failures or report.left_out for report in reports) else 0


def catalogue(store: str, sizes: Sequence[int]) -> dict[str, Server]:
    """Return a server of *store* for each of *sizes*, by name."""
    return {f"{store}-{size}": replace(STORES[store], stock=size) for size in sizes}


def growth(report: Report, servers: Sequence[str], operations: Sequence[str]) -> list[Growth]:
    """Return how costs grow from the first of *servers* to the others."""
    found = []
    for operation in operations:
        samples = select(report.samples, operation, 16)
        base = [sample for sample in samples if sample.server == servers[0]]
        for server in servers[1:]:
            times = ratio([sample for sample in samples if sample.server == server], base)
            if times is not None:
                found.append(Growth(operation, server, times))
    return found


def disk_table(footprints: Sequence[Footprint]) -> str:
    """Return what clients take on disk, and what looking at all of them costs."""
    head = (
        "",
        "clients",
        "record B",
        "its table B",
        "× record",
        "event B",
        "whole store B",
        "walk μs",
        "walk db μs",
    )
    lines = [
        (
            item.server,
            f"{item.holding.clients}",
            f"{item.holding.record:.0f}",
            f"{item.holding.table:.0f}",
            f"{item.holding.table / item.holding.record:.2f}",
            f"{item.holding.event:.0f}",
            f"{item.holding.whole:.0f}",
            f"{item.holding.walk:.1f}",
            f"{item.holding.database_walk:.1f}",
        )
        for item in footprints
        if item.holding
    ]
    return f"bytes and microseconds a client\n{columns([head, *lines])}" if lines else ""


def _plan(servers: tuple[str, ...], operations: tuple[str, ...], rounds: int) -> Plan:
    return Plan(
        servers=servers,
        operations=operations,
        connections=(16,),
        rounds=rounds,
        seconds=1.5,
        warm_seconds=1.5,
        restarts=1,
    )


def _text(plan: Plan, report: Report) -> str:
    tables = [
        load_table(report.samples, operation, 16, base=plan.servers[0])
        for operation in plan.operations
    ]
    tables += [disk_table(report.footprints), footprint_table(report.footprints)]
    tables += [
        "\n".join(
            f"{TITLES[one.operation]}: {one.server} costs {one.times:.2f} of {plan.servers[0]}"
            for one in growth(report, plan.servers, plan.operations)
        )
    ]
    tables += [f"left out: {name}: {why}" for name, why in report.left_out.items()]
    tables += [f"FAILED: {failure}" for failure in report.failures]
    return "\n\n".join(table for table in tables if table)
