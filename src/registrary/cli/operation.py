"""``registrary migrate`` and ``registrary doctor``."""

import asyncio
from collections.abc import Sequence

import typer

from registrary.cli.output import print_json, print_table
from registrary.cli.session import (
    FAILED,
    USAGE,
    ConfigOption,
    JsonOption,
    StoreOption,
    Target,
    fail,
)
from registrary.config import SettingsError
from registrary.keys.local import KeyFileError
from registrary.ports.store import StoreUnavailable
from registrary.wiring.adapters import database_path, open_vault
from registrary.wiring.health import Finding, examine


def migrate(*, store: StoreOption = None, config: ConfigOption = None) -> None:
    """Bring the store to the form this version needs; harmless when it has it already."""

    async def run() -> str:
        settings = Target(store, config, None).settings()
        vault = open_vault(settings, create=True)
        await vault.store.close()
        return str(database_path(settings))

    try:
        print(f"{asyncio.run(run())} is up to date")
    except SettingsError as error:
        fail(str(error), code=USAGE)
    except (KeyFileError, StoreUnavailable) as error:
        fail(str(error))


def doctor(
    *, store: StoreOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Look at a store and its keys, and say what is not as it should be."""

    async def run() -> Sequence[Finding]:
        settings = Target(store, config, None).settings()
        vault = open_vault(settings, create=False)
        try:
            return await examine(settings, vault)
        finally:
            await vault.store.close()

    try:
        findings = asyncio.run(run())
    except SettingsError as error:
        fail(str(error), code=USAGE)
    except (KeyFileError, StoreUnavailable) as error:
        fail(str(error))
    if as_json:
        print_json(findings)
    else:
        rows = [(("ok" if one.good else "PROBLEM"), one.name, one.seen) for one in findings]
        print_table(("", "what", "seen"), rows)
    if not all(one.good for one in findings):
        raise typer.Exit(FAILED)
