"""How the first administrator comes in: by a link that the server prints and that works once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from registrary.core.changes import Changes, Put
from registrary.core.events import Actor, ActorKind, Event
from registrary.core.records import AdminToken
from registrary.core.secrets import Secret
from registrary.ports.store import Conflict, every
from registrary.registrar.admin_access import SETUP, find_token, is_link
from registrary.registrar.admin_tokens import AdminTokenWish, minted, revoked
from registrary.registrar.context import IssuerContext
from registrary.registrar.permissions import EVERYTHING
from registrary.registrar.services import ATTEMPTS, Services

LINK_LIFETIME: Final = timedelta(hours=1)
_LINK: Final = AdminTokenWish("set-up link", (SETUP,), LINK_LIFETIME)
_FIRST: Final = AdminTokenWish("first administrator", (EVERYTHING,))


class FirstAdministrator:
    """Makes set-up links and turns one into the first admin token.

    A link is kept as an admin token whose only permission is `SETUP`; its text stands in the
    address. Nothing is a link any more once somebody has an admin token.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def open_link(self, context: IssuerContext) -> Secret | None:
        """Return the text of a new link, None when somebody has an admin token already.

        Links made before it end.
        """
        actor = Actor(ActorKind.SYSTEM)
        for _ in range(ATTEMPTS):
            if await self._has_administrator():
                return None
            puts, events = await self._ended_links(context, actor)
            record, text, event = minted(self._services, context, _LINK, actor=actor)
            try:
                await self._services.store.commit(
                    Changes(puts=(*puts, Put(record)), events=(*events, event))
                )
            except Conflict:
                continue
            return text
        raise Conflict("admin_token")

    async def is_open(self, context: IssuerContext, text: str) -> bool:
        """Tell whether the link *text* is good; it stays so."""
        return await self._link(context, text) is not None

    async def accept(
        self, context: IssuerContext, text: str, *, address: str | None
    ) -> Secret | None:
        """Spend the link *text* and return the first admin token; None when it is not good.

        Of several at once one gets a token.
        """
        link = await self._link(context, text)
        if link is None:
            self._services.count_refusal(context.id, address or "", "invalid_setup_link")
            return None
        actor = Actor(ActorKind.ADMIN_TOKEN, link.id, address)
        spent, end = revoked(self._services, link, actor=actor)
        record, token, event = minted(self._services, context, _FIRST, actor=actor)
        puts = (Put(spent, expected=link.revision), Put(record))
        try:
            await self._services.store.commit(Changes(puts=puts, events=(end, event)))
        except Conflict:
            return None
        return token

    async def _link(self, context: IssuerContext, text: str) -> AdminToken | None:
        record = await find_token(self._services, context.id, text)
        if record is None or not is_link(record) or await self._has_administrator():
            return None
        return record

    async def _has_administrator(self) -> bool:
        """Tell whether any issuer has an admin token that is good now."""
        for issuer in await self._services.store.issuers():
            async for record in self._usable(issuer.id):
                if not is_link(record):
                    return True
        return False

    async def _ended_links(
        self, context: IssuerContext, actor: Actor
    ) -> tuple[list[Put], list[Event]]:
        puts, events = [], []
        async for record in self._usable(context.id):
            ended, event = revoked(self._services, record, actor=actor)
            puts.append(Put(ended, expected=record.revision))
            events.append(event)
        return puts, events

    async def _usable(self, issuer: str) -> AsyncIterator[AdminToken]:
        now = self._services.clock.now()
        async for record in every(self._services.store, AdminToken, issuer):
            if record.is_usable(now):
                yield record
