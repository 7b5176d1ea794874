from bench.figures import Sample
from bench.fleet import Footprint
from bench.goals import Goal, Load, Outcome
from bench.tables import columns, footprint_table, goal_table, load_table


def test_columns_line_up_under_their_heads():
    """People compare figures by looking down a column."""
    found = columns([("", "CPU", "x"), ("long name", "7", ""), ("b", "1234", "2")])

    assert found.splitlines() == [
        "            CPU  x",
        "------------------",
        "long name     7",
        "b          1234  2",
    ]


def test_table_of_nothing_is_empty():
    """A server without an operation prints no bare heads."""
    assert load_table([], "read", 16, base="a") == ""
    assert goal_table([]) == ""


def test_table_leaves_absent_figures_empty():
    """A server without a database shows none, rather than a zero that was measured."""
    sample = Sample("a", "read", 16, 0, 100, 1500.4, 42.4, 0.0, 1.23, 4.56)

    found = load_table([sample], "read", 16, base="b").splitlines()

    assert found[0] == "read of one client, 16 connections, median of 1 rounds"
    assert found[-1].split() == ["a", "42", "1500", "1.2", "4.6"]


def test_footprint_shows_the_median_restart():
    """One disturbed start does not decide."""
    footprint = Footprint("a", 1.0, (0.5, 9.0, 0.6), 50 * 2**20, 70 * 2**20, 10_000)

    found = footprint_table([footprint]).splitlines()[-1].split()

    assert found == ["a", "1.00", "0.60", "50", "70", "10000"]


def test_goal_says_whether_it_is_met():
    """The reader need not compare two decimals."""
    goal = Goal("half", Load("a", "read", 16), Load("b", "read", 16), most=0.5)

    found = goal_table([Outcome(goal, 0.4), Outcome(goal, 0.6)]).splitlines()[-2:]

    assert [line.split()[-2:] for line in found] == [["0.400", "met"], ["not", "met"]]
