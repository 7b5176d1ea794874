import pytest

from bench.figures import Sample
from bench.goals import GOALS, Goal, Load, outcomes
from bench.servers import SERVERS

GOAL = Goal("half", Load("ours", "read", 16), Load("theirs", "read", 16), most=0.5)


def measured(server: str, cpu: float) -> Sample:
    """Make a read at 16 connections that cost *cpu*."""
    return Sample(server, "read", 16, 0, 100, 1.0, cpu, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("cpu", "is_met"), [(49, True), (50, True), (51, False)], ids=["below", "equal", "above"]
)
def test_goal_is_met_up_to_its_figure(cpu, is_met):
    """`At most` includes the figure itself."""
    samples = [measured("ours", cpu), measured("theirs", 100)]

    (found,) = outcomes(samples, [GOAL])

    assert found.is_met is is_met


def test_goal_whose_other_side_was_not_measured_is_not_judged():
    """A peer that is not installed makes no goal met or missed."""
    found = outcomes([measured("ours", 1)], [GOAL])

    assert found == []


def test_every_goal_names_servers_of_the_bench():
    """A misspelt name would leave its goal out of every report unseen."""
    named = {load.server for goal in GOALS for load in (goal.load, goal.against)}

    assert named <= set(SERVERS)
