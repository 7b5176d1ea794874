"""The figures Registrary wants to reach, as ratios between samples of one run. Pure.

A goal is printed beside what was measured and never fails the bench: a machine that is busy with
something else is no defect of the code.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.figures import Sample, of_server, ratio, ratio_of_servers, select


@dataclass(frozen=True, slots=True)
class Load:
    """One cell of a table: who did what at how many connections."""

    server: str
    operation: str
    connections: int


@dataclass(frozen=True, slots=True)
class Goal:
    """CPU per request under *load* is at most *most* times that under *against*.

    The database's counts unless *has_own_database_cores*.
    """

    text: str
    load: Load
    against: Load
    most: float
    has_own_database_cores: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A goal and the ratio that was measured."""

    goal: Goal
    measured: float

    @property
    def is_met(self) -> bool:
        """Tell whether the measured ratio is within the goal."""
        return self.measured <= self.goal.most


def _ours(operation: str, connections: int) -> Load:
    return Load("registrary", operation, connections)


GOALS = (
    Goal(
        "registration, 16 connections: 1/6 of oidc-provider on SQLite",
        _ours("register", 16),
        Load("oidc-sqlite", "register", 16),
        most=1 / 6,
    ),
    Goal(
        "registration, 16 connections: cheaper than the mcp SDK in memory",
        _ours("register", 16),
        Load("mcp", "register", 16),
        most=1.0,
    ),
    Goal(
        "registration, 64 connections: 1/8 of oidc-provider on SQLite",
        _ours("register", 64),
        Load("oidc-sqlite", "register", 64),
        most=1 / 8,
    ),
    Goal(
        "registration, 64 connections: 1/3 of oidc-provider in memory",
        _ours("register", 64),
        Load("oidc-memory", "register", 64),
        most=1 / 3,
    ),
    Goal(
        "registration, 64 connections: 1/2 of the mcp SDK in memory",
        _ours("register", 64),
        Load("mcp", "register", 64),
        most=1 / 2,
    ),
    Goal(
        "registration: 64 connections cost 0.8 of what 16 cost",
        _ours("register", 64),
        _ours("register", 16),
        most=0.8,
    ),
    *(
        Goal(
            f"registration, {connections} connections: 1/5 of oidc-provider, both on PostgreSQL",
            Load("registrary-postgres", "register", connections),
            Load("oidc-postgres", "register", connections),
            most=1 / 5,
        )
        for connections in (16, 64)
    ),
    *(
        # Two nodes then do 1.7 times what one does, as long as the database has cores of its own.
        Goal(
            f"{operation}, 64 connections: a node of two costs 2/1.7 of one alone",
            Load("registrary-nodes", operation, 64),
            Load("registrary-postgres", operation, 64),
            most=2 / 1.7,
            has_own_database_cores=True,
        )
        for operation in ("register", "read", "token")
    ),
    Goal(
        "read, 16 connections: 1/5 of oidc-provider in memory",
        _ours("read", 16),
        Load("oidc-memory", "read", 16),
        most=1 / 5,
    ),
    Goal(
        "token, 16 connections: 1/3 of oidc-provider in memory",
        _ours("token", 16),
        Load("oidc-memory", "token", 16),
        most=1 / 3,
    ),
)


def outcomes(samples: Sequence[Sample], goals: Sequence[Goal] = GOALS) -> list[Outcome]:
    """Return the goals whose two sides were both measured."""
    found = []
    for goal in goals:
        compare = ratio_of_servers if goal.has_own_database_cores else ratio
        measured = compare(_samples(samples, goal.load), _samples(samples, goal.against))
        if measured is not None:
            found.append(Outcome(goal, measured))
    return found


def _samples(samples: Sequence[Sample], load: Load) -> list[Sample]:
    return of_server(select(samples, load.operation, load.connections), load.server)
