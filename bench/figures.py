"""From single measurements to the figures of a table: medians, and ratios within one round.

Pure: no clock, no processes. A machine is faster in one second than in the next, so that two
figures are compared only within the same round, and the median of those ratios is reported.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One server under one load in one round; CPU in microseconds per answered request."""

    server: str
    operation: str
    connections: int
    round: int
    answers: int
    requests_per_second: float
    cpu: float
    database_cpu: float
    median_ms: float
    p99_ms: float

    @property
    def total_cpu(self) -> float:
        """CPU of the server and its database together."""
        return self.cpu + self.database_cpu


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of one server in one table, and its ratio to the table's base.

    *ratio* says how many times the base's CPU (database included) this server spends; None where
    the base was not measured in the same rounds.
    """

    server: str
    samples: int
    requests_per_second: float
    cpu: float
    database_cpu: float
    median_ms: float
    p99_ms: float
    ratio: float | None


def select(samples: Iterable[Sample], operation: str, connections: int) -> list[Sample]:
    """Return the samples of one table."""
    return [s for s in samples if (s.operation, s.connections) == (operation, connections)]


def of_server(samples: Iterable[Sample], server: str) -> list[Sample]:
    """Return the samples of one server."""
    return [sample for sample in samples if sample.server == server]


def ratio(over: Sequence[Sample], under: Sequence[Sample]) -> float | None:
    """Return the median over rounds of CPU in *over* divided by CPU in *under*.

    Rounds only one of them took part in are left out; None when no round is left.
    """
    return _ratio(over, under, attrgetter("total_cpu"))


def ratio_of_servers(over: Sequence[Sample], under: Sequence[Sample]) -> float | None:
    """Return the same of the CPU without the database's, for which both have one."""
    return _ratio(over, under, attrgetter("cpu"))


def _ratio(
    over: Sequence[Sample], under: Sequence[Sample], cost: Callable[[Sample], float]
) -> float | None:
    base = {sample.round: cost(sample) for sample in under}
    ratios = [cost(s) / base[s.round] for s in over if base.get(s.round)]
    return median(ratios) if ratios else None


def rows(table: Sequence[Sample], base: str) -> list[Row]:
    """Return one row per server of *table*, in order of appearance."""
    names = list(dict.fromkeys(sample.server for sample in table))
    return [_row(of_server(table, name), of_server(table, base)) for name in names]


def _row(samples: Sequence[Sample], base: Sequence[Sample]) -> Row:
    return Row(
        server=samples[0].server,
        samples=len(samples),
        requests_per_second=median(s.requests_per_second for s in samples),
        cpu=median(s.cpu for s in samples),
        database_cpu=median(s.database_cpu for s in samples),
        median_ms=median(s.median_ms for s in samples),
        p99_ms=median(s.p99_ms for s in samples),
        ratio=ratio(samples, base),
    )
