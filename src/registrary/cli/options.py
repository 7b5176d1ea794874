"""What commands have in common on the command line; light, so that ``--help`` answers at once."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

if TYPE_CHECKING:
    from registrary.config import Settings

FAILED: Final = 1
USAGE: Final = 2

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", help="Store URL: sqlite:////var/lib/registrary.db, postgresql://USER@HOST/NAME"
    ),
]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file with settings")]
IssuerOption = Annotated[
    str | None, typer.Option("--issuer", help="Which issuer, where the store holds several")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it is kept in the log")]


@dataclass(frozen=True, slots=True)
class Target:
    """Which store and issuer a command is about, as given on the command line."""

    store: str | None
    config: Path | None
    issuer: str | None = None

    def settings(self) -> "Settings":
        """Return the settings that apply; raises `SettingsError`."""
        import os

        from registrary.config import load_settings

        return load_settings(
            flags={"store": self.store}, environment=os.environ, config_file=self.config
        )


def fail(message: str, *, code: int = FAILED) -> NoReturn:
    """End the process with *message* on standard error."""
    print(f"registrary: {message}", file=sys.stderr)
    raise typer.Exit(code)
