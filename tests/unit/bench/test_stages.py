import pytest

from bench.pipeline import without_double_counts
from bench.stages import Profile, profile_table


def test_what_the_stages_do_not_explain_is_shown():
    """A profile that hides its remainder would flatter every stage."""
    profile = Profile(16, {"draft": 60.0, "decide": 30.0}, whole=150.0)

    found = [line.split()[-1] for line in profile_table([profile]).splitlines()[2:]]

    assert found == ["60.0", "30.0", "90.0", "60.0", "150.0"]


def test_server_that_did_not_run_leaves_its_rows_empty():
    """The stages alone are still worth reading."""
    profile = Profile(16, {"draft": 60.0}, whole=None)

    last = profile_table([profile]).splitlines()[-1]

    assert last == "the whole server"


@pytest.mark.parametrize(
    ("commit", "expected"), [(100.0, 65.0), (30.0, 0.0)], ids=["queue", "noise"]
)
def test_commit_is_not_counted_twice(commit, expected):
    """Encoding and SQLite have rows of their own; what a commit adds is the handing over."""
    figures = {"encode": 15.0, "SQLite": 20.0, "commit": commit, "render": 5.0}

    found = without_double_counts(figures)

    assert found == {"encode": 15.0, "SQLite": 20.0, "queue and wake": expected, "render": 5.0}
