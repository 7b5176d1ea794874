"""Every command finds its store and issuer in one way, and fails in one way."""

import subprocess
import sys

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from registrary.cli.main import app
from registrary.testing.server import environment
from tests.unit.cli.kit import Office, run

SECOND = "https://second.example"
ON_AN_ISSUER = [
    ("client", "list"),
    ("client", "show", "x"),
    ("client", "suspend", "x", "--reason", "y"),
    ("client", "resume", "x"),
    ("client", "revoke", "x", "--reason", "y"),
    ("client", "rotate-secret", "x"),
    ("initial-access-token", "create"),
    ("initial-access-token", "list"),
    ("initial-access-token", "revoke", "x"),
    ("admin-token", "create", "x", "--permission", "*"),
    ("admin-token", "list"),
    ("admin-token", "revoke", "x"),
    ("audit", "verify"),
    ("audit", "prove", "x"),
    ("audit", "export"),
]
ON_A_STORE = [*ON_AN_ISSUER, ("doctor",), ("backup", "b")]
EACH = pytest.mark.parametrize("command", ON_AN_ISSUER, ids=" ".join)


def every_command(command, path=()):
    """Yield every command with its words."""
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from every_command(inner, (*path, name))
    else:
        yield path, command


COMMANDS = dict(every_command(get_command(app)))


@EACH
def test_of_several_issuers_one_must_be_named(office, command):
    """What is meant for one tenant must not hit another."""
    office.add_issuer(SECOND)

    done = office.run(*command)

    assert 2 == done.code
    assert "--issuer is needed: the store holds https://id.example, https://second.example" in (
        done.err
    )


@EACH
def test_an_issuer_that_is_not_there_is_wrong_usage(office, command):
    """A mistyped issuer is not an empty one."""
    done = office.run(*command, "--issuer", "https://third.example")

    assert (2, "registrary: --issuer: the store holds no such issuer\n") == (done.code, done.err)


def test_an_issuer_is_named_by_address_or_id(office):
    """The address is what people know, the id what is short."""
    second = office.add_issuer(SECOND)
    client = office.add_client()

    ids = [
        [one["client_id"] for one in office.run(*arguments, "--json").shown]
        for arguments in (
            ("client", "list", "--issuer", "https://id.example"),
            ("client", "list", "--issuer", office.issuer_id),
            ("client", "list", "--issuer", SECOND),
            ("client", "list", "--issuer", second.id),
        )
    ]

    assert [[client.client_id], [client.client_id], [], []] == ids


@pytest.mark.parametrize("command", ON_A_STORE, ids=" ".join)
def test_a_command_without_a_store_is_wrong_usage(command):
    """A script tells a typing error from a refusal."""
    done = run(*command)

    assert (2, True) == (done.code, done.err.startswith("registrary: store is required"))


@pytest.mark.parametrize("command", ON_AN_ISSUER, ids=" ".join)
def test_a_store_that_is_not_there_is_not_made(command, tmp_path):
    """A command pointed at a wrong path must not look like lost clients."""
    done = Office(tmp_path).run(*command)

    assert (2, True) == (done.code, "there is no store" in done.err)
    assert [] == list(tmp_path.iterdir())


def test_a_store_without_an_issuer_says_what_to_do(tmp_path):
    """After `migrate` the server has to start once."""
    office = Office(tmp_path)
    assert 0 == office.run("migrate").code

    done = office.run("client", "list")

    assert (2, True) == (done.code, "start the server once" in done.err)


@pytest.mark.only_on("sqlite", because="it changes its files")
def test_a_store_without_its_keys_is_told_in_one_line(office):
    """What to restore is in the line."""
    office.key_file.unlink()

    done = office.run("client", "list")

    assert (1, 1) == (done.code, done.err.count("\n"))
    assert "restore it" in done.err


@pytest.mark.only_on("sqlite", because="it changes its files")
def test_a_damaged_store_is_told_in_one_line(office):
    """So is what a disk forgot."""
    office.path.write_bytes(b"Dear Sir or Madam" * 1000)

    done = office.run("client", "list")

    assert (1, 1) == (done.code, done.err.count("\n"))
    assert "the store cannot be used" in done.err


def test_migrating_makes_a_store_and_changes_none_that_is_current(tmp_path):
    """It stands in every start script."""
    office = Office(tmp_path)

    first = office.run("migrate", "--json")
    content = office.path.read_bytes()
    second = office.run("migrate")

    assert (0, str(office.path)) == (first.code, first.shown["store"])
    assert (0, f"{office.path} is up to date\n") == (second.code, second.out)
    assert content == office.path.read_bytes()


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_helps(path):
    """What a command does, and what each word after it means, is asked of the command."""
    done = run(*path, "--help")

    assert 0 == done.code
    assert (COMMANDS[path].help or "").splitlines()[0] in " ".join(done.out.split())
    assert all(parameter.help for parameter in COMMANDS[path].params)


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in COMMANDS
        if path not in {("serve",), ("audit", "export"), ("audit", "verifier")}
    ],
    ids=" ".join,
)
def test_every_command_that_shows_something_shows_it_to_machines(path):
    """Scripts do not read tables; an export is for machines as it stands."""
    options = {option for parameter in COMMANDS[path].params for option in parameter.opts}

    assert "--json" in options


def test_help_loads_nothing_of_the_server():
    """It answers at once: whoever asks for help is waiting."""
    heavy = ("apsw", "cryptography", "httpx2", "joserfc", "uvicorn", "registrary.wiring.app")
    program = (
        "import sys; sys.argv = ['registrary', 'client', '--help']\n"
        "from registrary.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )

    assert "[]\n" == done.stderr
