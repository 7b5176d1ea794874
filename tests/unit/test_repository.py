"""What is committed works on anyone's machine and tells nothing about ours."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

REGISTRY = re.compile(
    r"https?://[\w.:-]*(?:pypi|pythonhosted|npmjs|mirror|proxy)[\w./:-]*|--index-url|--find-links",
    re.IGNORECASE,
)
MACHINE_PATH = re.compile(r"(?<![\w.*])/(?:home|Users|root|work|farm)/")
UNNUMBERED = re.compile(r"\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\):)")
CONFIGURATION = {".cfg", ".ini", ".json", ".lock", ".sh", ".toml", ".txt", ".yaml", ".yml", ""}
LIMIT_LINES = 500


def committed_files() -> list[Path]:
    """Return every text file under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    paths = [ROOT / name for name in listed if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:4096]]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Read the committed files, by path from the root."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in committed_files()
    }


def matches(texts: dict[str, str], pattern: re.Pattern[str]) -> list[str]:
    """Return where *pattern* occurs, as ``file: text``."""
    return [
        f"{name}: {found.group()}"
        for name, text in texts.items()
        for found in pattern.finditer(text)
    ]


def test_no_registry_is_named(texts):
    """Whoever installs decides which registry serves them; an address breaks behind a mirror."""
    configuration = {
        name: text for name, text in texts.items() if Path(name).suffix in CONFIGURATION
    }

    found = matches(configuration, REGISTRY)

    assert [] == found


def test_node_locks_hold_hashes_and_no_address(texts):
    """The same for npm, whose locks like to say where a package came from."""
    locks = [json.loads(text) for name, text in texts.items() if name.endswith("package-lock.json")]

    packages = [
        package for lock in locks for name, package in lock["packages"].items() if name != ""
    ]

    assert [] == [package for package in packages if "resolved" in package]
    assert all("integrity" in package or "link" in package for package in packages)


def test_every_locked_python_package_has_a_hash(texts):
    """A registry that is taken over cannot slip another file under a version we know."""
    lists = {name: text for name, text in texts.items() if name.startswith("requirements/")}

    unhashed = [
        f"{name}: {line}"
        for name, text in lists.items()
        for line, after in zip(text.splitlines(), [*text.splitlines()[1:], ""], strict=True)
        if re.match(r"^[a-z0-9]", line) and "--hash=sha256:" not in after
    ]

    assert lists
    assert [] == unhashed


def test_no_path_of_a_machine_is_named(texts):
    """A path of the author's machine works nowhere else."""
    found = matches(texts, MACHINE_PATH)

    assert [] == found


def test_what_is_left_to_do_has_a_number(texts):
    """Work put off without a number is work forgotten."""
    source = {name: text for name, text in texts.items() if name.startswith("src/")}

    found = matches(source, UNNUMBERED)

    assert [] == found


# One file on purpose: an auditor carries it away and runs it without this package.
CARRIED_AWAY = "src/registrary/audit/offline_verifier.py"


def test_modules_stay_readable_in_one_sitting(texts):
    """A module past 500 lines has two jobs; tables and generated files explain themselves."""
    long = [
        name
        for name, text in texts.items()
        if name != CARRIED_AWAY
        and name.startswith("src/")
        and name.endswith(".py")
        and text.count("\n") > LIMIT_LINES
    ]

    assert [] == long
