"""``registrary``: the command line."""

from typing import Annotated

import typer

from registrary.cli import (
    admin_tokens,
    audit,
    backups,
    carrying,
    clients,
    initial_access_tokens,
    keys,
    operation,
    people,
    serving,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A self-hosted OAuth client registrar and authorization server.",
)


def tell_version(asked: bool) -> None:
    """Print the version and end, where it was asked for."""
    if asked:
        from importlib.metadata import version

        print(version("registrary"))
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=tell_version, help="Print the version"),
    ] = False,
) -> None:
    """Take what comes before any command."""
    del version  # has been told


app.command()(serving.serve)
app.command()(operation.migrate)
app.command()(backups.backup)
app.command()(backups.restore)
app.command()(carrying.export)
app.command("import")(carrying.import_)
app.command()(carrying.move)
app.command()(operation.doctor)
app.add_typer(initial_access_tokens.app, name="initial-access-token")
app.add_typer(clients.app, name="client")
app.add_typer(admin_tokens.app, name="admin-token")
app.add_typer(people.app, name="person")
app.add_typer(audit.app, name="audit")
app.add_typer(keys.app, name="keys")


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 refused or failed, 2 usage."""
    app()
