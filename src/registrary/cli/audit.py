"""``registrary audit``: prove the log, and take it elsewhere."""

import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registrary.cli.options import (
    FAILED,
    ConfigOption,
    IssuerOption,
    JsonOption,
    StoreOption,
    Target,
)

if TYPE_CHECKING:
    from registrary.audit.faults import Verdict
    from registrary.cli.session import Desk

app = typer.Typer(no_args_is_help=True, help="The tamper-evident log.")


@app.command()
def verify(
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold every event, tile and checkpoint against what was signed."""
    from registrary.cli.output import print_json, print_members
    from registrary.cli.session import work
    from registrary.wiring.log_reading import verify_kept_log

    async def act(desk: "Desk") -> "Verdict":
        return await verify_kept_log(desk.vault.store, desk.context.issuer)

    verdict = work(Target(store, config, issuer), act)
    shown: dict[str, Any] = {
        "sound": verdict.is_sound,
        "events": verdict.events,
        "checkpoints": verdict.checkpoints,
        "signed_size": verdict.size,
        "root": verdict.root.hex(),
        "faults": [str(fault) for fault in verdict.faults],
    }
    if as_json:
        print_json(shown)
    else:
        for fault in verdict.faults:
            print(f"FAULT  {fault}", file=sys.stderr)
        print_members({name: value for name, value in shown.items() if name != "faults"})
    if not verdict.is_sound:
        raise typer.Exit(FAILED)


@app.command()
def export(
    output: Annotated[Path, typer.Argument(metavar="FILE", help="Where the export goes")],
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
) -> None:
    """Write the whole log to FILE, to be verified anywhere."""
    from registrary.cli.session import work
    from registrary.wiring.log_reading import export_lines

    async def act(desk: "Desk") -> int:
        count = 0
        with output.open("wb") as stream:
            async for line in export_lines(desk.vault.store, desk.context.issuer):
                stream.write(line)
                count += 1
        return count

    count = work(Target(store, config, issuer), act)
    print(f"{count} lines in {output}")


@app.command()
def verifier(
    output: Annotated[Path, typer.Argument(metavar="FILE", help="Where the program goes")],
) -> None:
    """Write the offline verifier, one file that needs Python and nothing else."""
    program = files("registrary.audit") / "offline_verifier.py"
    output.write_bytes(program.read_bytes())
    print(f"run: python {output} EXPORT")
