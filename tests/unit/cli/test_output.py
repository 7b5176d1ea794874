"""What commands print is whole in a pipe, and harmless on a terminal."""

import pytest

from registrary.cli.output import print_members, print_table, visible


def test_a_line_in_a_pipe_is_one_line(capsys):
    """An id that is broken over two lines is found by no `grep`."""
    print_table(("id", "name"), [("1" * 120, "x" * 200)])

    assert f"{'1' * 120}  {'x' * 200}" == capsys.readouterr().out.splitlines()[1].rstrip()


@pytest.mark.parametrize("name", ["[bold]", "[/]", "[link=https://evil.example]x", ":smile:"])
def test_what_a_client_calls_itself_is_no_markup(capsys, name):
    """Names are chosen by strangers; one once could have stopped the whole list."""
    print_table(("name",), [(name,)])

    assert name == capsys.readouterr().out.splitlines()[1].rstrip()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb", "a\\rb"),
        ("\u202ecod.exe", "\\u202ecod.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("Müller 🐘", "Müller 🐘"),
    ],
)
def test_what_would_act_on_a_terminal_is_spelt_out(capsys, name, shown):
    """A name must not clear the operator's screen, or stand there backwards."""
    print_table(("name",), [(name,)])
    print_members({"name": name})

    lines = capsys.readouterr().out.splitlines()
    assert shown == visible(name)
    assert [shown, f"name  {shown}"] == [lines[1].rstrip(), lines[2]]
