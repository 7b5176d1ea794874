"""``registrary``: the command line."""

import typer

from registrary.cli import (
    admin_tokens,
    audit,
    backups,
    clients,
    initial_access_tokens,
    operation,
    serving,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A self-hosted OAuth client registrar and authorization server.",
)
app.command()(serving.serve)
app.command()(operation.migrate)
app.command()(backups.backup)
app.command()(backups.restore)
app.command()(operation.doctor)
app.add_typer(initial_access_tokens.app, name="initial-access-token")
app.add_typer(clients.app, name="client")
app.add_typer(admin_tokens.app, name="admin-token")
app.add_typer(audit.app, name="audit")


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 refused or failed, 2 usage."""
    app()
