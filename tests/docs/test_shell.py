"""Commands in the documentation can be typed as they stand."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from registrary.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(?:sh|shell|bash|console)\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """Return every block of commands with the page it stands on."""
    return [
        (page.relative_to(ROOT).as_posix(), found["code"])
        for page in PAGES
        for found in BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


def words(code: str) -> list[list[str]]:
    """Split simple commands into words, joining continued lines; comments are dropped."""
    lines = code.replace("\\\n", " ").splitlines()
    return [split for line in lines if (split := shlex.split(line, comments=True))]


def ids(blocks: list[tuple[str, str]]) -> list[str]:
    """Name each block by its page and first command."""
    return [f"{page}: {code.splitlines()[0][:40]}" for page, code in blocks]


@pytest.mark.parametrize(("page", "code"), blocks(), ids=ids(blocks()))
def test_a_block_of_commands_parses(page, code):
    """A missing quote in the manual is found by the reader, at the worst moment."""
    done = subprocess.run(
        ["sh", "-n"],
        input=re.sub(r"<[a-z ]+>", "X", code),
        capture_output=True,
        text=True,
        check=False,
    )

    assert "" == done.stderr, page


def test_every_make_target_that_is_named_exists():
    """`make` answers a wrong name with nothing helpful."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = {
        command[1]
        for _, code in blocks()
        for command in words(code)
        if command[0] == "make" and len(command) > 1
    }

    assert named <= targets


def registrary_lines() -> list[list[str]]:
    """Return what follows `registrary` wherever it is typed."""
    return [
        command[1:]
        for _, code in blocks()
        for command in words(code)
        if command[0].endswith("registrary")
    ]


@pytest.mark.parametrize("line", registrary_lines(), ids=" ".join)
def test_every_command_and_option_that_is_named_exists(line):
    """A renamed option must not live on in the manual."""
    command, rest = get_command(app), line
    while isinstance(command, TyperGroup):
        command, rest = command.commands[rest[0]], rest[1:]

    options = {option for parameter in command.params for option in parameter.opts}

    assert {word for word in rest if word.startswith("--")} <= options
