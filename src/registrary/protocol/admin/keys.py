"""Signing keys in the admin API; never the private half."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from registrary.core.signing_key import KeyState, KeyUse, SigningKey
from registrary.ports.keys import Signer
from registrary.protocol.admin.operations import Answer, Call, Operation
from registrary.registrar.context import IssuerContext
from registrary.registrar.key_keeping import KeyKeeper
from registrary.registrar.permissions import Permission


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A signing key: what it signs and since when, never its private half."""

    kid: str
    use: KeyUse
    alg: str
    state: KeyState
    created_at: datetime
    activates_at: datetime
    retires_at: datetime | None


class KeyList(msgspec.Struct, frozen=True, kw_only=True):
    """Every key of the issuer, and as *keys* the set that tokens are verified with."""

    items: list[KeyView]
    keys: list[dict[str, Any]]  # Any: members of a JWK (RFC 7517 §4)
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class KeyOperations:
    """Operations on the signing keys of one issuer."""

    context: IssuerContext
    keeper: KeyKeeper
    signer: Signer

    def rows(self) -> tuple[Operation, ...]:
        """Return the operations."""
        one = "/keys/{kid}"
        return (
            Operation(
                method="GET",
                path="/keys",
                permission=Permission.KEYS_READ,
                summary="Show every key, and the public set.",
                run=self.show,
                returns=KeyList,
            ),
            Operation(
                method="POST",
                path=f"{one}/renewal",
                permission=Permission.KEYS_WRITE,
                summary="Make the successor of a key ahead of time.",
                run=self.renew,
                returns=KeyView,
                status=201,
            ),
            Operation(
                method="DELETE",
                path=one,
                permission=Permission.KEYS_WRITE,
                summary="Withdraw a key at once; its tokens verify nowhere any more.",
                run=self.withdraw,
                returns=KeyView,
            ),
        )

    async def show(self, call: Call) -> Answer:
        """Show every key, and the public set of those that verify tokens."""
        del call
        views = [key_view(key) for key in await self.keeper.keys(self.context)]
        jwks = await self.signer.public_jwks(self.context.id)
        return Answer(KeyList(items=views, keys=jwks["keys"]))

    async def renew(self, call: Call) -> Answer:
        """Make the successor of a key."""
        key = await self.keeper.renew(self.context, call.path["kid"], actor=call.caller.actor)
        return Answer(key_view(key), status=201)

    async def withdraw(self, call: Call) -> Answer:
        """Withdraw a key."""
        key = await self.keeper.withdraw(self.context, call.path["kid"], actor=call.caller.actor)
        return Answer(key_view(key))


def key_view(key: SigningKey) -> KeyView:
    """Return what may be shown of a key."""
    return KeyView(
        kid=key.kid,
        use=key.use,
        alg=key.alg,
        state=key.state,
        created_at=key.created_at,
        activates_at=key.activates_at,
        retires_at=key.retires_at,
    )
