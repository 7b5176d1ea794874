"""``registrary initial-access-token``: who may register where registration is protected."""

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
    from registrary.core.records import InitialAccessToken
    from registrary.protocol.admin.initial_access_tokens import NewToken, TokenView

app = typer.Typer(no_args_is_help=True, help="Tokens that let their bearer register clients.")


@app.command()
def create(
    *,
    uses: Annotated[int | None, typer.Option(help="How many clients; any number if absent")] = None,
    expires: Annotated[str | None, typer.Option(help="1s, 15m, 1h, 30d; never if absent")] = None,
    policy: Annotated[list[str] | None, typer.Option(help="A policy that binds them")] = None,
    organization: Annotated[str | None, typer.Option(help="Whose clients they are")] = None,
    header_only: Annotated[bool, typer.Option("--header-only", help="Not in the path")] = False,
    store: StoreOption = None,
    config: ConfigOption = None,
    issuer: IssuerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an initial access token and print it; it is never shown again."""
    from registrary.cli.output import print_json, print_members
    from registrary.cli.session import work
    from registrary.protocol.admin.initial_access_tokens import TokenRequest, new_token, wish_of
    from registrary.registrar.administration import NotPossible
    from registrary.registrar.initial_access_tokens import InitialAccessTokens, check_token_wish

    try:
        wish = wish_of(
            TokenRequest(
                uses=uses,
                expires=expires,
                policies=policy or [],
                organization=organization,
                header_only=header_only,
            )
        )
        check_token_wish(wish)
    except NotPossible as error:
        fail(f"--{error}", code=USAGE)

    async def act(desk: "Desk") -> "NewToken":
        try:
            record, token = await InitialAccessTokens(desk.services).create(
                desk.context, wish, actor=desk.actor
            )
        except NotPossible:
            # All that depends on the issuer; the rest of the wish was judged above.
            fail("--policy: must be a policy of this issuer", code=USAGE)
        return new_token(record, token.reveal())

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
    """Show all initial access tokens, never their text."""
    from registrary.cli.output import print_json, print_table
    from registrary.cli.session import work

    tokens = work(Target(store, config, issuer), _all_tokens)
    if as_json:
        print_json(tokens)
        return
    print_table(
        ("id", "uses", "expires", "organization", "revoked"),
        [
            (
                token.id,
                f"{token.uses_made}/{token.uses or '∞'}",
                str(token.expires_at or "never"),
                token.organization or "",
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
    """End an initial access token; clients made with it stay."""
    from registrary.cli.output import print_json
    from registrary.cli.session import work
    from registrary.registrar.initial_access_tokens import InitialAccessTokens

    async def act(desk: "Desk") -> "InitialAccessToken":
        return await InitialAccessTokens(desk.services).revoke(
            desk.context, identifier, actor=desk.actor
        )

    record = work(Target(store, config, issuer), act)
    shown = {"id": record.id, "revoked_at": record.revoked_at}
    print_json(shown) if as_json else print(f"revoked {record.id}")


async def _all_tokens(desk: "Desk") -> "list[TokenView]":
    from registrary.core.records import InitialAccessToken
    from registrary.ports.store import every
    from registrary.protocol.admin.initial_access_tokens import token_view

    store, issuer = desk.vault.store, desk.context.id
    return [
        token_view(record, uses_made=await store.counter(issuer, record.counter))
        async for record in every(store, InitialAccessToken, issuer)
    ]
