"""What holds for every command."""

from collections.abc import Iterator
from importlib.metadata import version

import pytest
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

from registrary.cli.main import app


def options_of(group: TyperGroup, *path: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the words that name each command below *group*, and its options."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from options_of(command, *path, name)
        else:
            options = {option for one in command.params for option in one.opts}
            yield " ".join((*path, name)), options


root = typer.main.get_command(app)
assert isinstance(root, TyperGroup)
OPTIONS = dict(options_of(root))


@pytest.mark.parametrize("name", sorted(OPTIONS.keys() - {"serve"}))
def test_every_command_speaks_to_machines(name):
    """A script should not have to learn which commands have JSON; a server has its log."""
    assert "--json" in OPTIONS[name]


def test_groups_are_looked_into():
    """A table of one line would prove nothing."""
    assert {"migrate", "client list", "audit verifier"} <= OPTIONS.keys()


def test_the_version_is_told():
    """The first question of whoever is asked for help."""
    done = CliRunner().invoke(app, ["--version"])

    assert (0, f"{version('registrary')}\n") == (done.exit_code, done.stdout)
