"""``registrary admin-token``: who may use the admin API, and for what."""

from typing import TYPE_CHECKING, Annotated

import typer

from registrary.cli.options import (
    USAGE,
    ConfigOption,
    IssuerOption,
    JsonOption,
    StoreOption,
    Target,
    fail,
)

if TYPE_CHECKING:
    from registrary.cli.session import Desk
    from registrary.core.records import AdminToken
    from registrary.protocol.admin.admin_tokens import AdminTokenView, NewAdminToken

app = typer.Typer(no_args_is_help=True, help="Tokens for the admin API.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, or what for")],
    *,
    permission: Annotated[
        list[str], typer.Option(help="Such as clients:read, or * for everything; repeatable")
    ],
    expires: Annotated[str | None, typer.Option(help="1s, 15m, 1h, 30d; never if absent")] = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an admin token and print it; it is never shown again."""
    from registrary.cli.output import print_json, print_members
    from registrary.cli.session import work
    from registrary.protocol.admin.admin_tokens import (
        AdminTokenRequest,
        admin_token_wish,
        new_admin_token,
    )
    from registrary.registrar.admin_tokens import AdminTokens, check_wish
    from registrary.registrar.administration import NotPossible
    from registrary.registrar.permissions import EVERYTHING, Caller

    try:
        wish = admin_token_wish(AdminTokenRequest(name, permission, expires))
        check_wish(wish)
    except NotPossible as error:
        fail(str(error), code=USAGE)

    async def act(desk: "Desk") -> "NewAdminToken":
        by = Caller(desk.actor, frozenset({EVERYTHING}))
        record, token = await AdminTokens(desk.services).create(desk.context, wish, by=by)
        return new_admin_token(record, token.reveal())

    made = work(Target(store, config, issuer), act)
    print_json(made) if as_json else print_members(made)


@app.command(name="list")
def list_tokens(
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all admin tokens, never their text."""
    from registrary.cli.output import print_json, print_table
    from registrary.cli.session import work

    tokens = work(Target(store, config, issuer), _all_tokens)
    if as_json:
        print_json(tokens)
        return
    print_table(
        ("id", "name", "permissions", "expires", "revoked"),
        [
            (
                token.id,
                token.name,
                " ".join(token.permissions),
                str(token.expires_at or "never"),
                str(token.revoked_at or ""),
            )
            for token in tokens
        ],
    )


@app.command()
def revoke(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The id of the token")],
    *,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """End an admin token; what was done with it stays done."""
    from registrary.cli.output import print_json
    from registrary.cli.session import work
    from registrary.registrar.admin_tokens import AdminTokens

    async def act(desk: "Desk") -> "AdminToken":
        tokens = AdminTokens(desk.services)
        return await tokens.revoke(desk.context, identifier, actor=desk.actor)

    record = work(Target(store, config, issuer), act)
    shown = {"id": record.id, "revoked_at": record.revoked_at}
    print_json(shown) if as_json else print(f"revoked {record.id}")


async def _all_tokens(desk: "Desk") -> "list[AdminTokenView]":
    from registrary.core.records import AdminToken
    from registrary.ports.store import every
    from registrary.protocol.admin.admin_tokens import admin_token_view

    tokens = every(desk.vault.store, AdminToken, desk.context.id)
    return [admin_token_view(record) async for record in tokens]
