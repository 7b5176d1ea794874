"""Every demand of the specifications has its row, and every row that needs one its test."""

from scripts.spec_coverage import (
    LEVELS,
    ROOT,
    STATUSES,
    read_marks,
    read_rows,
    unknown,
    untested,
)

ROWS = read_rows()
MARKS = read_marks()


def is_module(name: str) -> bool:
    """Tell whether *name* is a module or package under `registrary`."""
    path = ROOT / "src" / "registrary" / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or path.is_dir()


def test_every_demand_we_meet_has_a_test():
    """A sentence in the manual that no test holds up is a promise nobody keeps."""
    missing = untested(ROWS, MARKS)

    assert [] == [f"{row.id} {row.requirement}" for row in missing]


def test_every_mark_names_a_row():
    """A mark with a mistyped id would prove nothing, unnoticed."""
    strangers = unknown(ROWS, MARKS)

    assert {} == strangers


def test_ids_are_used_once():
    """Two rows of one id would share their tests."""
    ids = [row.id for row in ROWS]

    assert sorted(set(ids)) == sorted(ids)


def test_a_row_says_what_where_and_how_far():
    """People read these rows to learn what they can rely on."""
    unclear = [
        row.id
        for row in ROWS
        if row.level not in LEVELS
        or row.status not in STATUSES
        or not row.requirement
        or not (row.source or row.level == "OURS")
    ]

    assert [] == unclear


def test_a_row_names_a_module_that_is_there():
    """Whoever reads the requirement wants to read the code next."""
    misleading = [
        f"{row.id} {row.where}"
        for row in ROWS
        if row.status != "later" and not is_module(row.where)
    ]

    assert [] == misleading


def test_a_demand_is_never_a_matter_of_choice():
    """What a specification demands is met, refused for a stated reason, or not offered yet."""
    chosen = [row.id for row in ROWS if row.level.startswith("MUST") and row.status == "choice"]

    assert [] == chosen


def test_every_divergence_has_its_reason():
    """Doing otherwise is allowed; doing it silently is not."""
    reasons = (ROOT / "docs" / "spec" / "divergences.md").read_text(encoding="utf-8")

    unexplained = [row.id for row in ROWS if row.status == "divergence" and row.id not in reasons]

    assert [] == unexplained
