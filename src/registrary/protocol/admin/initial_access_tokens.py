"""Initial access tokens in the admin API."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec

from registrary.core.records import InitialAccessToken
from registrary.ports.store import Store
from registrary.protocol.admin.clients import page_limit
from registrary.protocol.admin.operations import Answer, Call, Operation
from registrary.registrar.administration import Administrator, NotPossible, TokenWish
from registrary.registrar.context import IssuerContext

_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class TokenRequest(msgspec.Struct, forbid_unknown_fields=True):
    """An initial access token to make; *expires* is ``1s``, ``15m``, ``1h`` or ``30d``."""

    uses: int | None = None
    expires: str | None = None
    policy: str | None = None
    policies: list[str] = []
    organization: str | None = None
    header_only: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class InitialAccessTokenOperations:
    """Operations on the initial access tokens of one issuer."""

    context: IssuerContext
    store: Store
    administrator: Administrator

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        path, read, write = (
            "/initial-access-tokens",
            "initial_access_tokens:read",
            "initial_access_tokens:write",
        )
        return (
            Operation("POST", path, write, "Make a token.", self.create, TokenRequest),
            Operation("GET", path, read, "List tokens.", self.list_tokens),
            Operation("DELETE", f"{path}/{{id}}", write, "Revoke a token.", self.revoke),
        )

    async def create(self, call: Call) -> Answer:
        """Make a token and show it once."""
        wish = wish_of(call.read(TokenRequest))
        record, token = await self.administrator.create_initial_access_token(
            self.context, wish, actor=call.caller.actor
        )
        body = {"token": token.reveal(), **token_view(record, uses_made=0)}
        return Answer(body, status=201)

    async def list_tokens(self, call: Call) -> Answer:
        """List tokens by id, oldest first, never their text."""
        page = await self.store.page(
            InitialAccessToken,
            self.context.id,
            after=call.query.get("cursor"),
            limit=page_limit(call.query),
        )
        items = [
            token_view(record, uses_made=await self.store.counter(self.context.id, record.counter))
            for record in page.records
        ]
        return Answer({"items": items, "next_cursor": page.next_after})

    async def revoke(self, call: Call) -> Answer:
        """End a token; clients made with it stay."""
        await self.administrator.revoke_initial_access_token(
            self.context, call.path["id"], actor=call.caller.actor
        )
        return Answer(status=204)


def parse_duration(text: str) -> timedelta:
    """Return the length of time *text* stands for; raises `NotPossible`."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise NotPossible("expires: must be like 1s, 15m, 1h or 30d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def wish_of(wanted: TokenRequest) -> TokenWish:
    """Return what *wanted* asks for; raises `NotPossible`."""
    policies = (*wanted.policies, *((wanted.policy,) if wanted.policy else ()))
    return TokenWish(
        uses=wanted.uses,
        lifetime=parse_duration(wanted.expires) if wanted.expires else None,
        policies=policies,
        organization=wanted.organization,
        header_only=wanted.header_only,
        note=wanted.note,
    )


def token_view(token: InitialAccessToken, *, uses_made: int) -> dict[str, Any]:
    """Return what may be shown of a token: everything but its digest."""
    return {
        "id": token.id,
        "uses": token.uses,
        "uses_made": uses_made,
        "expires_at": token.expires_at,
        "policies": token.policies,
        "organization": token.organization,
        "header_only": token.header_only,
        "note": token.note,
        "created_at": token.created_at,
        "created_by": token.created_by,
        "revoked_at": token.revoked_at,
    }
