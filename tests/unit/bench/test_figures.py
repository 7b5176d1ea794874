from typing import Any

import pytest

from bench.figures import Sample, ratio, rows, select


def measured(server: str, cpu: float, **changes: Any) -> Sample:
    """Make a sample of *server* that states only what matters."""
    fields: dict[str, Any] = {
        "operation": "register",
        "connections": 16,
        "round": 0,
        "answers": 100,
        "requests_per_second": 1000.0,
        "cpu": cpu,
        "database_cpu": 0.0,
        "median_ms": 1.0,
        "p99_ms": 2.0,
    }
    return Sample(server=server, **(fields | changes))


def test_ratio_compares_within_a_round():
    """A machine that is slow for one round must not make one server look slow."""
    ours = [measured("a", 100, round=0), measured("a", 1000, round=1), measured("a", 110, round=2)]
    theirs = [measured("b", 50, round=0), measured("b", 500, round=1), measured("b", 55, round=2)]

    found = ratio(ours, theirs)

    assert found == pytest.approx(2.0)


def test_ratio_counts_the_database():
    """A server that leaves its work to the database is not cheaper for it."""
    ours = [measured("a", 60, database_cpu=40)]
    theirs = [measured("b", 50)]

    found = ratio(ours, theirs)

    assert found == pytest.approx(2.0)


def test_rounds_only_one_side_took_part_in_are_left_out():
    """A server that failed in one round is compared in the others."""
    ours = [measured("a", 100, round=0), measured("a", 900, round=1)]
    theirs = [measured("b", 50, round=0)]

    found = ratio(ours, theirs)

    assert found == pytest.approx(2.0)


def test_ratio_of_servers_that_never_met_is_none():
    """No figure is better than one that compares different minutes."""
    ours = [measured("a", 100, round=0)]
    theirs = [measured("b", 50, round=1)]

    found = ratio(ours, theirs)

    assert found is None


def test_base_that_took_no_measurable_time_gives_no_ratio():
    """The clock of a process ticks in hundredths of a second and may not have moved."""
    ours = [measured("a", 100)]
    theirs = [measured("b", 0.0)]

    found = ratio(ours, theirs)

    assert found is None


def test_rows_are_medians_in_order_of_appearance():
    """One disturbed round does not decide a table."""
    table = [
        measured("b", 10, round=0),
        measured("a", 20, round=0),
        measured("b", 500, round=1),
        measured("a", 20, round=1),
        measured("b", 10, round=2),
        measured("a", 30, round=2),
    ]

    found = rows(table, "b")

    assert [(row.server, row.cpu, row.samples) for row in found] == [("b", 10, 3), ("a", 20, 3)]
    assert [row.ratio for row in found] == [1.0, 2.0]


def test_base_that_was_not_measured_leaves_the_ratio_empty():
    """A table without the base is still a table."""
    found = rows([measured("a", 20)], "b")

    assert [row.ratio for row in found] == [None]


def test_table_holds_one_operation_at_one_number_of_connections():
    """Reads and registrations, 16 and 64 connections, never mix in a median."""
    wanted = measured("a", 1)
    samples = [wanted, measured("a", 2, connections=64), measured("a", 3, operation="read")]

    found = select(samples, "register", 16)

    assert found == [wanted]
