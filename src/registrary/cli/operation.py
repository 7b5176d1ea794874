"""``registrary migrate`` and ``registrary doctor``."""

from typing import TYPE_CHECKING, Annotated

import typer

from registrary.cli.options import FAILED, ConfigOption, JsonOption, StoreOption, Target

if TYPE_CHECKING:
    from registrary.wiring.health import Finding

UrlArgument = Annotated[
    str | None, typer.Argument(metavar="URL", help="An issuer, to be reached as clients reach it")
]
QuickOption = Annotated[bool, typer.Option("--quick", help="Do not read the whole store")]


def migrate(
    *, store: StoreOption = None, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Bring the store to the form this version needs; harmless when it has it already."""
    import asyncio

    from registrary.cli.output import print_json
    from registrary.cli.session import failures_told
    from registrary.storage.sqlite import upkeep
    from registrary.wiring.adapters import database_path, open_vault

    async def run() -> upkeep.StoreInfo:
        settings = Target(store, config).settings()
        vault = await open_vault(settings, create=True)
        await vault.store.close()
        return upkeep.info(database_path(settings))

    with failures_told():
        info = asyncio.run(run())
    shown = {"store": str(info.path), "schema_version": info.schema_version}
    print_json(shown) if as_json else print(f"{info.path} is up to date")


def doctor(
    url: UrlArgument = None,
    *,
    quick: QuickOption = False,
    store: StoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at a store and its keys, and at an issuer from outside; say what is wrong.

    Files, schema, damage, keys, clock, disk and log of the store; with URL
    whether that issuer answers as clients expect, which needs no store.
    """
    import os

    from registrary.cli.output import print_json
    from registrary.cli.session import failures_told
    from registrary.wiring.adapters import outbound_trust
    from registrary.wiring.doctor import examine_store
    from registrary.wiring.reachability import examine_address

    findings: list[Finding] = []
    with failures_told():
        settings = Target(store, config).settings()
        if settings.store is not None or url is None:
            findings += examine_store(settings, thorough=not quick)
        if url is not None:
            findings += examine_address(url, trust=outbound_trust(os.environ))
    print_json(findings) if as_json else _show(findings)
    if not all(one.good for one in findings):
        raise typer.Exit(FAILED)


def _show(findings: "list[Finding]") -> None:
    from registrary.cli.output import print_table

    rows = [(("ok" if one.good else "PROBLEM"), one.name, one.seen) for one in findings]
    print_table(("", "what", "seen"), rows)
    for one in findings:
        if not one.good and one.advice:
            print(f"\n{one.name}: {one.advice}")
