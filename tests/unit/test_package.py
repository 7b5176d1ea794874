"""What is installed by ``pip install`` is everything the server needs."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """Build the wheel as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_every_file_of_the_package(wheel):
    """SQL, templates and styles that stay behind are missed at the first start, not in any test."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "src"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")

    files = {name.removeprefix("src/") for name in listed if name and (ROOT / name).is_file()}

    assert files <= set(wheel.namelist())


def test_the_wheel_holds_nothing_else(wheel):
    """Tests and documents are not installed into other people's programs."""
    strangers = {
        name.split("/", 1)[0]
        for name in wheel.namelist()
        if not name.startswith(("registrary/", "registrary-"))
    }

    assert set() == strangers


def test_the_command_is_installed(wheel):
    """`pip install .` gives the `registrary` command without make."""
    scripts = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))

    text = wheel.read(scripts).decode()

    assert "registrary = registrary.cli.main:main" in text


TEST_KIT = ROOT / "src" / "registrary" / "testing"
"""Brings its own needs, which whoever tests has: pytest above all."""

NAMED_ONLY = {"httptools", "uvloop"}
"""Libraries that uvicorn imports when told their name."""


def imported() -> set[str]:
    """Return the distributions that the server imports itself."""
    owners = packages_distributions()
    modules = {
        name.partition(".")[0]
        for path in (ROOT / "src").rglob("*.py")
        if not path.is_relative_to(TEST_KIT)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    foreign = modules - sys.stdlib_module_names - {"registrary"}
    return {normalized(owners[module][0]) for module in foreign}


def declared() -> dict[str, str]:
    """Return the dependencies by name, each with its extras."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [
        re.match(r"([A-Za-z0-9._-]+)(\[[a-z,]+\])?", line)
        for line in settings["project"]["dependencies"]
    ]
    return {normalized(part[1]): part[2] or "" for part in parts if part}


def normalized(name: str) -> str:
    """Return *name* as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_is_imported_is_declared_and_nothing_else_is():
    """A library missing here is missed at the first start; one too many is one more to trust."""
    assert imported() | NAMED_ONLY == set(declared())


def test_the_fetcher_declares_the_loop_it_runs_on():
    """Without the extra the HTTP client imports what nobody installed, at the first fetch."""
    assert "[asyncio]" == declared()["httpcore2"]
