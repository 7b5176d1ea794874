"""What is installed by ``pip install`` is everything the server needs."""

import subprocess
import sys
import zipfile
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
