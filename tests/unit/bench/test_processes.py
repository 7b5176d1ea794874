from bench.processes import Stat, parse_stat

LINE = (
    "4711 (odd) name (x)) S 17 4711 4711 0 -1 4194304 100 200 0 0 11 22 33 44 20 0 5 0 98765 "
    "1000 2000 18446744073709551615"
)


def test_command_with_parentheses_and_spaces_shifts_no_field():
    """A process may be called anything; its clock must still be found."""
    found = parse_stat(LINE)

    assert found == Stat(parent=17, own_ticks=33, reaped_ticks=77, started=98765)
