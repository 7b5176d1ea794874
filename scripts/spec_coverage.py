"""Tell which specification rows have no test: `python -m scripts.spec_coverage`."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS = ROOT / "docs" / "spec"
TESTS = ROOT / "tests"

LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "OURS")
STATUSES = ("met", "choice", "divergence", "begun", "later")
CLIENT_LIBRARY = "client library"
HEADER = "| Id | Level | Requirement | Source | Status | Where |"
COLUMNS = HEADER.count("|") - 1


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement, as a table of `docs/spec/` states it. *page* is the file's name."""

    id: str
    level: str
    requirement: str
    source: str
    status: str
    where: str
    page: str

    @property
    def needs_test(self) -> bool:
        """Tell whether at least one test has to be marked with this row.

        What is begun is registered and published already, so what is done of it has a test. For a
        demand on something not offered yet that test shows that nothing promises it; only the
        specifications of further features (E) and the client's own duties wait for their time.
        """
        if self.level not in {"MUST", "MUST NOT"}:
            return False
        waits = self.id.startswith("E-") or self.where == CLIENT_LIBRARY
        return self.status in {"met", "begun"} or (self.status == "later" and not waits)


def read_rows(folder: Path = ROWS) -> list[Row]:
    """Return every row of every page, in order; raise ValueError for a line that is no row."""
    return [row for page in sorted(folder.glob("*.md")) for row in _rows_of(page)]


def _rows_of(page: Path) -> Iterator[Row]:
    in_table = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line == HEADER:
            in_table = True
        elif not line.startswith("|"):
            in_table = False
        elif in_table and not line.startswith("|---"):
            yield _row(line, page.name)


def _row(line: str, page: str) -> Row:
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    if len(cells) != COLUMNS:
        raise ValueError(f"{page}: not {COLUMNS} columns: {line}")
    identifier, level, requirement, source, status, where = cells
    return Row(identifier, level, requirement, source, status, where, page)


def read_marks(folder: Path = TESTS) -> dict[str, list[str]]:
    """Return, for each row id named by a ``pytest.mark.spec``, the places that name it.

    Raises ValueError for a mark whose ids are not written as plain strings.
    """
    marks: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.spec":
                place = f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
                for mark in _ids(node, place):
                    marks[mark].append(place)
    return dict(marks)


def _ids(call: ast.Call, place: str) -> list[str]:
    try:
        return [ast.literal_eval(argument) for argument in call.args]
    except ValueError as error:
        raise ValueError(f"{place}: name the rows as plain strings, so they can be read") from error


def untested(rows: list[Row], marks: dict[str, list[str]]) -> list[Row]:
    """Return the rows that need a test and have none."""
    return [row for row in rows if row.needs_test and row.id not in marks]


def unknown(rows: list[Row], marks: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the marks that name no row, with their places."""
    ids = {row.id for row in rows}
    return {mark: places for mark, places in marks.items() if mark not in ids}


def main() -> int:
    """Print what is missing; 0 when nothing is."""
    rows, marks = read_rows(), read_marks()
    missing, strangers = untested(rows, marks), unknown(rows, marks)
    for row in missing:
        print(f"no test   {row.id:<7} {row.where:<34} {row.requirement}")
    for mark, places in strangers.items():
        print(f"no row    {mark:<7} {', '.join(places)}")
    needing = sum(row.needs_test for row in rows)
    print(
        f"{needing - len(missing)} of {needing} rows that need a test have one; {len(rows)} rows."
    )
    return 1 if missing or strangers else 0


if __name__ == "__main__":
    sys.exit(main())
