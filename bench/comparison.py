"""The comparison: every server side by side, one load after another, round by round."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bench.figures import Sample
from bench.fleet import Fleet, Footprint, fleet
from bench.measure import Generator, Load, drive, generator, sample
from bench.servers import Server
from bench.started import Broken

OPERATIONS = ("register", "read", "token", "code", "refresh", "introspect")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. *restarts* is how often each server starts again on its own store."""

    servers: tuple[str, ...]
    operations: tuple[str, ...]
    connections: tuple[int, ...]
    rounds: int
    seconds: float
    warm_seconds: float
    restarts: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one run found out; *failures* are answers other than the ones asked for."""

    samples: list[Sample] = field(default_factory=list)
    footprints: list[Footprint] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def compare(plan: Plan, catalogue: dict[str, Server], tell: Callable[[str], None]) -> Report:
    """Run *plan* over the servers of *catalogue* it names; *tell* hears of every step."""
    with fleet() as servers, generator() as driver:
        for name in plan.servers:
            tell(f"starting {name}")
            servers.add(name, catalogue[name], restarts=plan.restarts, driver=driver)
        run = _Run(plan, servers, driver, tell)
        for operation in plan.operations:
            run.rounds(operation)
        run.report.footprints.extend(servers.footprints())
        run.report.left_out.update(servers.left_out)
        run.report.failures.extend(servers.broken.values())
    return run.report


@dataclass(slots=True)
class _Run:
    plan: Plan
    servers: Fleet
    driver: Generator
    tell: Callable[[str], None]
    report: Report = field(default_factory=Report)

    def rounds(self, operation: str) -> None:
        """Warm every server up, then measure A B C, A B C, … at each number of connections."""
        able = self.servers.able(operation)
        for name in able:
            self.load(name, Load(operation, self.plan.connections[0], self.plan.warm_seconds))
        for number in range(self.plan.rounds):
            for connections in self.plan.connections:
                for name in able:
                    found = self.load(name, Load(operation, connections, self.plan.seconds), number)
                    if found:
                        self.report.samples.append(found)

    def load(self, name: str, load: Load, number: int = -1) -> Sample | None:
        """Put *load* on the server *name* once; None, and a failure noted, if nothing came back."""
        self.tell(
            f"{load.operation} · {load.connections} connections · round {number + 1} · {name}"
        )
        member = self.servers.members[name]
        what = f"{name}, {load.operation}, {load.connections} connections"
        try:
            driven = drive(self.driver, member.instance, load)
        except Broken as broken:
            self.report.failures.append(f"{what}: {broken}")
            return None
        answers = driven.outcome["answers"]
        for reason, count in driven.outcome["failures"].items():
            self.report.failures.append(f"{what}: {reason}, {count} times")
        if not answers:
            self.report.failures.append(f"{what}: no good answer at all")
            return None
        if load.operation == "register":
            member.registered += answers
        return sample(driven, server=name, number=number)
