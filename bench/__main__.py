"""``python -m bench``: Registrary and its peers under the same load, in one run.

Prints CPU per request, which survives a noisy machine, and ratios, which hold only within one run.
Exits 1 when a server failed to do its work; never because it was slow.
"""

import argparse
import dataclasses
import json
import signal
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

from bench import machine, scale, stages, tables
from bench.comparison import OPERATIONS, Plan, Report, compare
from bench.goals import outcomes
from bench.servers import SERVERS


def main() -> int:
    """Run what the command line asks for and return the exit code."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    if sys.argv[1:2] == ["stages"]:
        return stages.main(sys.argv[2:])
    if sys.argv[1:2] == ["scale"]:
        return scale.main(sys.argv[2:])
    arguments = _parser().parse_args()
    plan = _plan(arguments)
    begin = time.monotonic()
    try:
        report = compare(plan, SERVERS, _tell)
    except KeyboardInterrupt:
        print("\ninterrupted; every server is stopped", file=sys.stderr)
        return 1
    _tell("")
    print(_text(plan, report))
    print(f"\n{time.monotonic() - begin:.0f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(_document(report), indent=1) + "\n")
    return 1 if report.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds, about two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to FILE")
    parser.add_argument("--servers", type=_names(SERVERS), default=tuple(SERVERS))
    parser.add_argument("--operations", type=_names(OPERATIONS), default=OPERATIONS)
    parser.add_argument("--connections", type=_numbers, default=(16, 64), help="such as 16,64")
    parser.add_argument("--rounds", type=int, help="how often each server is measured")
    return parser


def _names(known: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    """Return a parser of names separated by commas, all of them *known*."""

    def parse(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if not set(names) <= set(known):
            raise argparse.ArgumentTypeError(f"names are {','.join(known)}")
        return names

    return parse


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def _plan(arguments: argparse.Namespace) -> Plan:
    quick = arguments.quick
    return Plan(
        servers=arguments.servers,
        operations=arguments.operations,
        connections=arguments.connections,
        rounds=arguments.rounds or (2 if quick else 5),
        seconds=0.4 if quick else 1.5,
        warm_seconds=0.8 if quick else 4.0,
        restarts=1 if quick else 3,
    )


def _text(plan: Plan, report: Report) -> str:
    present = {sample.server for sample in report.samples}
    base = "registrary" if "registrary" in present else plan.servers[0]
    parts = [" · ".join(f"{name} {value}" for name, value in machine.describe().items())]
    parts += [
        tables.load_table(report.samples, operation, connections, base=base)
        for operation in plan.operations
        for connections in plan.connections
    ]
    parts += [tables.footprint_table(report.footprints)]
    parts += [tables.goal_table(outcomes(report.samples))]
    parts += [f"left out: {SERVERS[name].name}: {why}" for name, why in report.left_out.items()]
    parts += [f"FAILED: {failure}" for failure in report.failures]
    return "\n\n".join(part for part in parts if part)


def _document(report: Report) -> dict[str, object]:
    return {
        "machine": machine.describe(),
        **dataclasses.asdict(report),
        "goals": [
            {"goal": o.goal.text, "most": o.goal.most, "measured": o.measured}
            for o in outcomes(report.samples)
        ],
    }


def _tell(text: str) -> None:
    """Show progress on one line of a terminal, and nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
