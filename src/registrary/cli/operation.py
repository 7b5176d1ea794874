"""``registrary migrate`` and ``registrary doctor``."""

from typing import TYPE_CHECKING, Annotated

import typer

from registrary.cli.options import FAILED, ConfigOption, JsonOption, StoreOption, Target

if TYPE_CHECKING:
    from registrary.wiring.health import Finding

UrlArgument = Annotated[
    str | None, typer.Argument(metavar="URL", help="An issuer, to be reached as clients reach it")
]
RoleOption = Annotated[
    str | None,
    typer.Option("--application-role", help="PostgreSQL: the role that servers connect as"),
]
QuickOption = Annotated[bool, typer.Option("--quick", help="Do not read the whole store")]


def migrate(
    *,
    application_role: RoleOption = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the store to the form this version needs; harmless when it has it already.

    On PostgreSQL as the owner of the tables, who is not the role that servers
    use: give that one its rights with --application-role.
    """
    import asyncio

    from registrary.cli.output import print_json
    from registrary.cli.session import failures_told
    from registrary.wiring.migration import migrate_store

    with failures_told():
        settings = Target(store, config).settings()
        done = asyncio.run(migrate_store(settings, application_role=application_role))
    if as_json:
        print_json(done)
        return
    print(f"{done.store} is up to date")
    if application_role is not None:
        print(f"{application_role} has the rights that a server needs")


def doctor(
    url: UrlArgument = None,
    *,
    quick: QuickOption = False,
    store: StoreOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at a store and its keys, and at an issuer from outside; say what is wrong.

    Files, schema, damage, keys, clock, disk and log of the store, of PostgreSQL
    role, replication and connections too; with URL whether that issuer answers
    as clients expect, which needs no store.
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

    rows = [(_word(one), one.name, one.seen) for one in findings]
    print_table(("", "what", "seen"), rows)
    for one in findings:
        if (one.is_note or not one.good) and one.advice:
            print(f"\n{one.name}: {one.advice}")


def _word(finding: "Finding") -> str:
    if finding.good:
        return "note" if finding.is_note else "ok"
    return "PROBLEM"
