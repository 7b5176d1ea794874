"""Admin tokens: made with no more than their maker has, ended at any time."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import msgspec

from registrary.core.changes import Changes, Put
from registrary.core.entropy import Draw
from registrary.core.events import Actor, Event, Tag
from registrary.core.ids import new_id
from registrary.core.records import AdminToken
from registrary.core.secrets import TOKEN_DRAW_BYTES, Prefix, Secret, mint_admin_token
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.registrar.administration import NotPossible, name_of
from registrary.registrar.context import IssuerContext
from registrary.registrar.permissions import KNOWN, Caller
from registrary.registrar.services import Services
from registrary.registrar.tokens import end_token

ADMIN_TOKEN_DRAW: Final = 10 + TOKEN_DRAW_BYTES + EVENT_DRAW_BYTES
NAME_LIMIT: Final = 100  # characters


@dataclass(frozen=True, slots=True)
class AdminTokenWish:
    """What an admin token shall be called and may do; *lifetime* None is for ever."""

    name: str
    permissions: tuple[str, ...]
    lifetime: timedelta | None = None


class AdminTokens:
    """Makes and ends the admin tokens of an issuer, always with an event."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def create(
        self, context: IssuerContext, wish: AdminTokenWish, *, by: Caller
    ) -> tuple[AdminToken, Secret]:
        """Return a new admin token; its text is never to be had again.

        Raises `NotPossible` for a wish that makes no sense or outlives the token of its maker,
        and `Forbidden` when it may more than its maker.
        """
        check_wish(wish)
        by.demand(wish.permissions)
        now = self._services.clock.now()
        ends = None if wish.lifetime is None else now + wish.lifetime
        if by.expires_at is not None and (ends is None or ends > by.expires_at):
            raise NotPossible("expires: must not be later than that of the token that makes it")
        record, token, event = minted(self._services, context, wish, actor=by.actor)
        await self._services.store.commit(Changes(puts=(Put(record),), events=(event,)))
        return record, token

    async def revoke(self, context: IssuerContext, identifier: str, *, actor: Actor) -> AdminToken:
        """End an admin token; what was done with it stays. Raises `NotFound`."""
        return await end_token(
            self._services,
            AdminToken,
            (context.id, identifier),
            ended=partial(revoked, self._services, actor=actor),
        )


def minted(
    services: Services, context: IssuerContext, wish: AdminTokenWish, *, actor: Actor
) -> tuple[AdminToken, Secret, Event]:
    """Return a new admin token with its text and its event; nothing is stored yet."""
    now, draw = services.clock.now(), services.draw(ADMIN_TOKEN_DRAW)
    identifier = new_id(now, draw)
    token = mint_admin_token(draw, bytes.fromhex(identifier))
    digest = services.secret_keys.peppers().digest(token, purpose=Prefix.ADMIN_TOKEN)
    record = AdminToken(
        issuer=context.id,
        id=identifier,
        pepper_id=digest.key_id,
        mac=digest.mac,
        name=wish.name,
        permissions=wish.permissions,
        created_at=now,
        created_by=name_of(actor),
        expires_at=None if wish.lifetime is None else now + wish.lifetime,
    )
    event = _event(record, Tag.ADMIN_TOKEN_CREATED, Occasion(context.id, now, actor), draw=draw)
    return record, token, event


def revoked(services: Services, record: AdminToken, *, actor: Actor) -> tuple[AdminToken, Event]:
    """Return *record* at its end, and the event that says so; nothing is stored yet."""
    now, draw = services.clock.now(), services.draw(EVENT_DRAW_BYTES)
    ended = msgspec.structs.replace(record, revoked_at=now, revision=record.revision + 1)
    return ended, _event(
        record, Tag.ADMIN_TOKEN_REVOKED, Occasion(record.issuer, now, actor), draw=draw
    )


def _event(record: AdminToken, tag: Tag, occasion: Occasion, *, draw: Draw) -> Event:
    detail: dict[str, object] = {"id": record.id, "name": record.name}
    if tag is Tag.ADMIN_TOKEN_CREATED:
        detail["permissions"] = list(record.permissions)
        detail["expires_at"] = record.expires_at.isoformat() if record.expires_at else None
    return an_event(occasion, tag, draw=draw, detail=detail)


def check_wish(wish: AdminTokenWish) -> None:
    """Refuse a wish that makes no sense, whoever has it; raises `NotPossible`."""
    if not wish.name.strip() or len(wish.name) > NAME_LIMIT or not wish.name.isprintable():
        raise NotPossible(f"name: must have 1 to {NAME_LIMIT} printable characters")
    if not wish.permissions:
        raise NotPossible("permissions: must name at least one")
    if not KNOWN.issuperset(wish.permissions):
        raise NotPossible(f"permissions: must be among {', '.join(sorted(KNOWN))}")
    if wish.lifetime is not None and wish.lifetime <= timedelta(0):
        raise NotPossible("expires: must be longer than nothing")
