"""``registrary client``: look at clients, hold and revoke them."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registrary.cli.options import (
    USAGE,
    ConfigOption,
    IssuerOption,
    JsonOption,
    ReasonOption,
    StoreOption,
    Target,
    fail,
)
from registrary.core.lifecycle import HoldKind

if TYPE_CHECKING:
    from registrary.cli.session import Desk
    from registrary.core.client import Client

app = typer.Typer(no_args_is_help=True, help="Registered clients.")

ClientArgument = Annotated[str, typer.Argument(metavar="ID", help="The client_id")]
KindOption = Annotated[HoldKind, typer.Option("--kind", help="Which hold")]


@app.command(name="list")
def list_clients(
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    limit: Annotated[int, typer.Option(help="How many at most, newest first")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Show clients, newest first."""
    from registrary.cli.output import print_json, print_table
    from registrary.cli.session import work
    from registrary.protocol.admin.client_views import client_view

    async def act(desk: "Desk") -> "list[Client]":
        return await _newest(desk, limit)

    clients = work(Target(store, config, issuer), act)
    if as_json:
        print_json([client_view(client) for client in clients])
        return
    print_table(
        ("client_id", "state", "name", "registered", "door"),
        [
            (
                client.client_id,
                client.state.value,
                str(client.metadata.get("client_name", "")),
                client.issued_at.isoformat(timespec="seconds"),
                client.door.mode,
            )
            for client in clients
        ],
    )


@app.command()
def show(
    client_id: ClientArgument,
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one client, never its credentials."""
    _act_on(client_id, Target(store, config, issuer), _find, as_json=as_json)


@app.command()
def suspend(
    client_id: ClientArgument,
    reason: ReasonOption,
    *,
    kind: KindOption = HoldKind.ADMIN,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a client: its authentication and its tokens stop at once."""

    async def act(desk: "Desk", client_id: str) -> "Client":
        return await desk.administrator.hold(
            desk.context, client_id, (kind, reason), actor=desk.actor
        )

    _act_on(client_id, Target(store, config, issuer), act, as_json=as_json)


@app.command()
def resume(
    client_id: ClientArgument,
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lift every hold of a client."""

    async def act(desk: "Desk", client_id: str) -> "Client":
        return await desk.administrator.lift(desk.context, client_id, None, actor=desk.actor)

    _act_on(client_id, Target(store, config, issuer), act, as_json=as_json)


@app.command()
def revoke(
    client_id: ClientArgument,
    reason: ReasonOption,
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a client for good: credentials and tokens stop, the id is never used again."""

    async def act(desk: "Desk", client_id: str) -> "Client":
        return await desk.administrator.revoke(
            desk.context, client_id, reason=reason, actor=desk.actor
        )

    _act_on(client_id, Target(store, config, issuer), act, as_json=as_json)


@app.command(name="rotate-secret")
def rotate_secret(
    client_id: ClientArgument,
    *,
    overlap: Annotated[
        str | None,
        typer.Option(help="How long the old one stays good at most: 0s ends it at once, 15m, 7d"),
    ] = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a client a new secret and print it; the old one is good until the new one is used."""
    from registrary.cli.output import print_json, print_members
    from registrary.cli.session import work
    from registrary.protocol.admin.durations import parse_duration
    from registrary.registrar.administration import NotPossible

    try:
        length = None if overlap is None else parse_duration(overlap, "overlap")
    except NotPossible as error:
        fail(f"--{error}", code=USAGE)

    async def act(desk: "Desk") -> dict[str, Any]:
        client, secret = await desk.administrator.rotate_secret(
            desk.context, client_id, overlap=length, actor=desk.actor
        )
        expiry = client.secrets[-1].expires_at
        seconds = int(expiry.timestamp()) if expiry else 0
        return {
            "client_id": client.client_id,
            "client_secret": secret.reveal(),
            "client_secret_expires_at": seconds,
        }

    made = work(Target(store, config, issuer), act)
    print_json(made) if as_json else print_members(made)


async def _newest(desk: "Desk", limit: int) -> "list[Client]":
    from registrary.core.client import Client

    shown: list[Client] = []
    after = None
    while len(shown) < limit:
        page = await desk.vault.store.page(
            Client,
            desk.context.id,
            after=after,
            limit=min(500, limit - len(shown)),
            descending=True,
        )
        shown += page.records
        if page.next_after is None:
            break
        after = page.next_after
    return shown


async def _find(desk: "Desk", client_id: str) -> "Client":
    return await desk.administrator.find(desk.context, client_id)


def _act_on(
    client_id: str,
    target: Target,
    act: "Callable[[Desk, str], Awaitable[Client]]",
    *,
    as_json: bool,
) -> None:
    """Do *act* and show the client as it is then."""
    from registrary.cli.output import print_json, print_members
    from registrary.cli.session import work
    from registrary.protocol.admin.client_views import client_view

    async def run(desk: "Desk") -> "Client":
        return await act(desk, client_id)

    shown = client_view(work(target, run))
    print_json(shown) if as_json else print_members(shown)
