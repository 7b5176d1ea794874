import pytest

from bench.pipeline import WITHIN_ENDPOINT, without_double_counts
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


def taken(**changes: float) -> dict[str, float]:
    """Return figures of ten microseconds each, but for the *changes*."""
    figures = dict.fromkeys(WITHIN_ENDPOINT, 10.0) | {"the endpoint": 100.0, "write": 4.0}
    del figures["queue and wake"]
    return figures | {"commit": 30.0} | changes


def test_stages_add_up_to_what_was_measured():
    """A microsecond that is in two rows, or in none, would send the reader astray."""
    found = without_double_counts(taken())

    assert sum(found.values()) == 100.0 + 4.0
    assert found["queue and wake"] == 30.0 - 10.0 - 10.0
    assert found["around the stages"] == 100.0 - 80.0


@pytest.mark.parametrize("name", ["commit", "the endpoint"])
def test_noise_makes_no_stage_negative(name):
    """On a busy machine the whole may come out below its parts."""
    found = without_double_counts(taken(**{name: 1.0}))

    assert min(found.values()) == 0.0
