"""The list of threats names guards and tests that are there."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def threats() -> list[list[str]]:
    """Return the cells of every row."""
    lines = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| Nr ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


@pytest.mark.parametrize("row", threats(), ids=lambda row: row[0])
def test_a_threat_names_its_guard_and_its_tests(row):
    """A guard that is only written about keeps nobody out."""
    *_, where, held_by = row

    modules = [ROOT / "src" / "registrary" / name.replace(".", "/") for name in where.split(", ")]
    files = [ROOT / name for name in held_by.split(", ")]

    assert [] == [
        path for path in modules if not (path.is_dir() or path.with_suffix(".py").exists())
    ]
    assert [] == [path for path in files if not path.exists()]
