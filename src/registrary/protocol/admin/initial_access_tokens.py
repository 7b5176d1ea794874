"""Initial access tokens in the admin API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from registrary.core.records import InitialAccessToken
from registrary.ports.store import Store
from registrary.protocol.admin.durations import parse_duration
from registrary.protocol.admin.lists import page_limit
from registrary.protocol.admin.operations import PAGED, Answer, Call, Operation
from registrary.registrar.administration import NotFound
from registrary.registrar.context import IssuerContext
from registrary.registrar.initial_access_tokens import InitialAccessTokens, TokenWish
from registrary.registrar.permissions import Permission

_PATH: Final = "/initial-access-tokens"


class TokenRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An initial access token to make; *expires* is ``1s``, ``15m``, ``1h`` or ``30d``."""

    uses: int | None = None
    expires: str | None = None
    policy: str | None = None
    policies: list[str] = []
    organization: str | None = None
    header_only: bool = False
    note: str | None = None


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """An initial access token, never its text. *uses* null is any number."""

    id: str
    uses: int | None
    uses_made: int
    expires_at: datetime | None
    policies: tuple[str, ...]
    organization: str | None
    header_only: bool
    note: str | None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


class NewToken(TokenView, frozen=True, kw_only=True):
    """An initial access token that was just made; *token* is shown this once."""

    token: str


class TokenPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some initial access tokens, and where to go on."""

    items: list[TokenView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class InitialAccessTokenOperations:
    """Operations on the initial access tokens of one issuer."""

    context: IssuerContext
    store: Store
    tokens: InitialAccessTokens

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        read = Permission.INITIAL_ACCESS_TOKENS_READ
        write = Permission.INITIAL_ACCESS_TOKENS_WRITE
        return (
            Operation(
                method="POST",
                path=_PATH,
                permission=write,
                summary="Make a token; it is shown once.",
                run=self.create,
                body=TokenRequest,
                returns=NewToken,
                status=201,
            ),
            Operation(
                method="GET",
                path=_PATH,
                permission=read,
                summary="List tokens, oldest first.",
                run=self.list_tokens,
                query=PAGED,
                returns=TokenPage,
            ),
            Operation(
                method="GET",
                path=f"{_PATH}/{{id}}",
                permission=read,
                summary="Show a token.",
                run=self.show,
                returns=TokenView,
            ),
            Operation(
                method="DELETE",
                path=f"{_PATH}/{{id}}",
                permission=write,
                summary="Revoke a token; clients made with it stay.",
                run=self.revoke,
                status=204,
            ),
        )

    async def create(self, call: Call) -> Answer:
        """Make a token and show it once."""
        wish = wish_of(call.read(TokenRequest))
        record, token = await self.tokens.create(self.context, wish, actor=call.caller.actor)
        return Answer(new_token(record, token.reveal()), status=201)

    async def list_tokens(self, call: Call) -> Answer:
        """List tokens by id, oldest first, never their text."""
        page = await self.store.page(
            InitialAccessToken,
            self.context.id,
            after=call.query.get("cursor"),
            limit=page_limit(call.query),
        )
        items = [await self._viewed(record) for record in page.records]
        return Answer(TokenPage(items=items, next_cursor=page.next_after))

    async def show(self, call: Call) -> Answer:
        """Show one token, never its text."""
        record = await self.store.get(InitialAccessToken, self.context.id, call.path["id"])
        if record is None:
            raise NotFound("initial access token")
        return Answer(await self._viewed(record))

    async def revoke(self, call: Call) -> Answer:
        """End a token; clients made with it stay."""
        await self.tokens.revoke(self.context, call.path["id"], actor=call.caller.actor)
        return Answer(status=204)

    async def _viewed(self, record: InitialAccessToken) -> TokenView:
        made = await self.store.counter(self.context.id, record.counter)
        return token_view(record, uses_made=made)


def wish_of(wanted: TokenRequest) -> TokenWish:
    """Return what *wanted* asks for; raises `NotPossible`."""
    one = () if wanted.policy is None else (wanted.policy,)
    return TokenWish(
        uses=wanted.uses,
        lifetime=None if wanted.expires is None else parse_duration(wanted.expires, "expires"),
        policies=(*wanted.policies, *one),
        organization=wanted.organization,
        header_only=wanted.header_only,
        note=wanted.note,
    )


def token_view(token: InitialAccessToken, *, uses_made: int) -> TokenView:
    """Return what may be shown of a token: everything but its digest."""
    return TokenView(
        id=token.id,
        uses=token.uses,
        uses_made=uses_made,
        expires_at=token.expires_at,
        policies=token.policies,
        organization=token.organization,
        header_only=token.header_only,
        note=token.note,
        created_at=token.created_at,
        created_by=token.created_by,
        revoked_at=token.revoked_at,
    )


def new_token(token: InitialAccessToken, text: str) -> NewToken:
    """Return what is shown of a token just made, its text included."""
    return NewToken(token=text, **msgspec.structs.asdict(token_view(token, uses_made=0)))
