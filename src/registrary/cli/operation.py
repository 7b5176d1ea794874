"""``registrary migrate`` and ``registrary doctor``."""

from typing import TYPE_CHECKING

import typer

from registrary.cli.options import FAILED, ConfigOption, JsonOption, StoreOption, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registrary.wiring.health import Finding


def migrate(*, store: StoreOption = None, config: ConfigOption = None) -> None:
    """Bring the store to the form this version needs; harmless when it has it already."""
    import asyncio

    from registrary.cli.session import failures_told
    from registrary.wiring.adapters import database_path, open_vault

    async def run() -> str:
        settings = Target(store, config).settings()
        vault = open_vault(settings, create=True)
        await vault.store.close()
        return str(database_path(settings))

    with failures_told():
        print(f"{asyncio.run(run())} is up to date")


def doctor(
    *, store: StoreOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Look at a store and its keys, and say what is not as it should be."""
    import asyncio

    from registrary.cli.output import print_json, print_table
    from registrary.cli.session import failures_told
    from registrary.wiring.adapters import open_vault
    from registrary.wiring.health import examine

    async def run() -> "Sequence[Finding]":
        settings = Target(store, config).settings()
        vault = open_vault(settings, create=False)
        try:
            return await examine(settings, vault)
        finally:
            await vault.store.close()

    with failures_told():
        findings = asyncio.run(run())
    if as_json:
        print_json(findings)
    else:
        rows = [(("ok" if one.good else "PROBLEM"), one.name, one.seen) for one in findings]
        print_table(("", "what", "seen"), rows)
    if not all(one.good for one in findings):
        raise typer.Exit(FAILED)
