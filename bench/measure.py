"""One load on one server: drive it from the generator's process, read the server's clocks."""

import base64
import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypedDict, cast

from bench.figures import Sample
from bench.load import GRACE_SECONDS
from bench.processes import cpu_seconds, running
from bench.started import Broken, Started

_STATUS = {"register": 201}  # others answer 200
_SLACK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Load:
    """How hard and how long: it ends with the *seconds* or with the *limit* of requests."""

    operation: str
    connections: int
    seconds: float
    limit: int = 50_000


class Outcome(TypedDict):
    """What the generator reports of one job."""

    answers: int
    seconds: float
    median_seconds: float
    p99_seconds: float
    failures: dict[str, int]
    sent: int


class Generator:
    """The load generator's process; it numbers registrations so that none repeats in a run."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.next_number = 0

    def take_numbers(self, count: int) -> int:
        """Reserve *count* numbers and return the first."""
        first = self.next_number
        self.next_number += count
        return first

    def connect(self, server: Started, load: Load) -> None:
        """Hand over the job and wait until its connections stand."""
        requests = server.requests(load.operation)
        first = self.take_numbers(load.limit) if load.operation == "register" else None
        job = {
            "ports": server.ports,
            "connections": load.connections,
            "seconds": load.seconds,
            "limit": len(requests) if load.operation == "code" else load.limit,
            "expected": _STATUS.get(load.operation, 200),
            "requests": [base64.b64encode(request).decode() for request in requests],
            "first": first,
        }
        self._say(json.dumps(job))
        self._hear(_SLACK_SECONDS)

    def go(self, load: Load) -> Outcome:
        """Run the job that is connected."""
        self._say("go")
        return cast(
            "Outcome", self._hear(load.seconds + GRACE_SECONDS + _SLACK_SECONDS)
        )  # our own JSON

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self, seconds: float) -> object:
        assert self._process.stdout
        # One line answers one line, so nothing is ever left in the buffer behind this.
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise RuntimeError("the load generator does not answer")
        answer = json.loads(self._process.stdout.readline() or '{"error": "it ended"}')
        if "error" in answer:
            raise Broken(f"load generator: {answer['error']}")
        return answer


@contextmanager
def generator() -> Iterator[Generator]:
    """Run the load generator for the length of the block."""
    with running([sys.executable, "-m", "bench.load"], piped=True) as process:
        yield Generator(process)


@dataclass(frozen=True, slots=True)
class Driven:
    """One load that was run: what came back, and the CPU seconds it took."""

    load: Load
    outcome: Outcome
    cpu_seconds: float
    database_cpu_seconds: float


def drive(generator: Generator, server: Started, load: Load) -> Driven:
    """Put *load* on *server* and read its clocks once it has finished what it put off."""
    generator.connect(server, load)
    before = _clocks(server)
    outcome = generator.go(load)
    time.sleep(server.server.settle_seconds)
    after = _clocks(server)
    return Driven(load, outcome, after[0] - before[0], after[1] - before[1])


def sample(driven: Driven, *, server: str, number: int) -> Sample:
    """Turn what round *number* found out about *server* into figures per answered request."""
    outcome = driven.outcome
    answers = outcome["answers"]
    return Sample(
        server=server,
        operation=driven.load.operation,
        connections=driven.load.connections,
        round=number,
        answers=answers,
        requests_per_second=answers / outcome["seconds"],
        cpu=driven.cpu_seconds / answers * 1e6,
        database_cpu=driven.database_cpu_seconds / answers * 1e6,
        median_ms=outcome["median_seconds"] * 1e3,
        p99_ms=outcome["p99_seconds"] * 1e3,
    )


def _clocks(server: Started) -> tuple[float, float]:
    database = cpu_seconds(server.database_pid) if server.database_pid else 0.0
    return sum(map(cpu_seconds, server.pids)), database
