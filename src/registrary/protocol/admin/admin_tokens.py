"""Admin tokens in the admin API: who else may administer, and how much."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from registrary.core.records import AdminToken
from registrary.ports.store import Store
from registrary.protocol.admin.durations import parse_duration
from registrary.protocol.admin.lists import page_limit
from registrary.protocol.admin.operations import PAGED, Answer, Call, Operation
from registrary.registrar.admin_tokens import AdminTokens, AdminTokenWish
from registrary.registrar.administration import NotFound
from registrary.registrar.context import IssuerContext
from registrary.registrar.permissions import Permission

_PATH: Final = "/admin-tokens"


class AdminTokenRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An admin token to make. It may do no more than whoever makes it, nor for longer.

    *name* says whose it is. *permissions* are such as ``clients:read``, or ``*`` for
    everything. *expires* is ``1s``, ``15m``, ``1h`` or ``30d``; never when absent.
    """

    name: str
    permissions: list[str]
    expires: str | None = None


class AdminTokenView(msgspec.Struct, frozen=True, kw_only=True):
    """An admin token, never its text."""

    id: str
    name: str
    permissions: tuple[str, ...]
    expires_at: datetime | None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


class NewAdminToken(AdminTokenView, frozen=True, kw_only=True):
    """An admin token that was just made; *token* is shown this once."""

    token: str


class AdminTokenPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some admin tokens, and where to go on."""

    items: list[AdminTokenView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class AdminTokenOperations:
    """Operations on the admin tokens of one issuer."""

    context: IssuerContext
    store: Store
    tokens: AdminTokens

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        read, write = Permission.ADMIN_TOKENS_READ, Permission.ADMIN_TOKENS_WRITE
        return (
            Operation(
                method="POST",
                path=_PATH,
                permission=write,
                summary="Make an admin token; it is shown once.",
                run=self.create,
                body=AdminTokenRequest,
                returns=NewAdminToken,
                status=201,
            ),
            Operation(
                method="GET",
                path=_PATH,
                permission=read,
                summary="List admin tokens, oldest first.",
                run=self.list_tokens,
                query=PAGED,
                returns=AdminTokenPage,
            ),
            Operation(
                method="GET",
                path=f"{_PATH}/{{id}}",
                permission=read,
                summary="Show an admin token.",
                run=self.show,
                returns=AdminTokenView,
            ),
            Operation(
                method="DELETE",
                path=f"{_PATH}/{{id}}",
                permission=write,
                summary="Revoke an admin token.",
                run=self.revoke,
                status=204,
            ),
        )

    async def create(self, call: Call) -> Answer:
        """Make an admin token and show it once."""
        wish = admin_token_wish(call.read(AdminTokenRequest))
        record, token = await self.tokens.create(self.context, wish, by=call.caller)
        return Answer(new_admin_token(record, token.reveal()), status=201)

    async def list_tokens(self, call: Call) -> Answer:
        """List admin tokens by id, oldest first, never their text."""
        page = await self.store.page(
            AdminToken,
            self.context.id,
            after=call.query.get("cursor"),
            limit=page_limit(call.query),
        )
        items = [admin_token_view(record) for record in page.records]
        return Answer(AdminTokenPage(items=items, next_cursor=page.next_after))

    async def show(self, call: Call) -> Answer:
        """Show one admin token, never its text."""
        record = await self.store.get(AdminToken, self.context.id, call.path["id"])
        if record is None:
            raise NotFound("admin token")
        return Answer(admin_token_view(record))

    async def revoke(self, call: Call) -> Answer:
        """End an admin token at once."""
        await self.tokens.revoke(self.context, call.path["id"], actor=call.caller.actor)
        return Answer(status=204)


def admin_token_wish(wanted: AdminTokenRequest) -> AdminTokenWish:
    """Return what *wanted* asks for; raises `NotPossible`."""
    lifetime = None if wanted.expires is None else parse_duration(wanted.expires, "expires")
    return AdminTokenWish(wanted.name, tuple(dict.fromkeys(wanted.permissions)), lifetime)


def admin_token_view(token: AdminToken) -> AdminTokenView:
    """Return what may be shown of an admin token: everything but its digest."""
    return AdminTokenView(
        id=token.id,
        name=token.name,
        permissions=token.permissions,
        expires_at=token.expires_at,
        created_at=token.created_at,
        created_by=token.created_by,
        revoked_at=token.revoked_at,
    )


def new_admin_token(token: AdminToken, text: str) -> NewAdminToken:
    """Return what is shown of an admin token just made, its text included."""
    return NewAdminToken(token=text, **msgspec.structs.asdict(admin_token_view(token)))
