"""Status lists (Token Status List): which tokens ended before their time, for whoever asks.

A list is made from what the store says of clients, grants and people, and signed. It is made anew
when something was revoked, or taken back, since: the commit that did so moved a counter.
"""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.liveness import is_live
from registrary.authserver.services import ServerServices
from registrary.authserver.status_places import (
    CLIENTS,
    FILLED_TO,
    GRANTS,
    LIST_LIFETIME,
    PLACES,
    Kind,
    filling_counter,
    list_uri,
)
from registrary.core.client import Client
from registrary.core.deliveries import REVOCATIONS, StatusPlace
from registrary.core.grants import Grant
from registrary.core.status_list import TokenStatus, encode_status_list, pack_statuses

LIST_TYPE: Final = "statuslist+jwt"
TIME_TO_LIVE: Final = timedelta(seconds=5)  # after which who holds a copy should look again
SIGNED_FOR: Final = LIST_LIFETIME / 2  # then it is signed anew, though nothing changed
# Between two makings of one list, whatever happens: whoever makes and deletes clients of their own
# moves every list. The making itself fits into what is left of the second that is promised.
KEPT: Final = timedelta(milliseconds=600)
LISTS_KEPT: Final = 256
_BITS: Final = 1
_LIST_ID: Final = re.compile(r"(clients|grants)-(0|[1-9][0-9]{0,8})")
_PAGE: Final = 200  # places judged before others get a turn


@dataclass(frozen=True, slots=True)
class PublishedList:
    """A signed list, and what a cache compares."""

    token: str
    etag: str


@dataclass(frozen=True, slots=True)
class _Made:
    """A list, when it was made and which revocations are in it."""

    published: PublishedList
    revocations: int
    at: datetime


class StatusLists:
    """Makes and keeps the lists of all issuers."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services
        self._made: OrderedDict[tuple[str, str], _Made] = OrderedDict()
        self._turns: dict[tuple[str, str], asyncio.Lock] = {}

    async def uris(self, context: ServerContext) -> list[str]:
        """Return the address of every list there is."""
        return [
            list_uri(context, f"{kind}-{number}")
            for kind in (CLIENTS, GRANTS)
            for number in range(await self._count(context, kind))
        ]

    async def published(self, context: ServerContext, list_id: str) -> PublishedList | None:
        """Return the list as it is now, None when there is none of that name.

        Raises `NoSigningKey`.
        """
        name = _LIST_ID.fullmatch(list_id)
        if name is None:
            return None
        kind: Kind = CLIENTS if name[1] == CLIENTS else GRANTS
        if int(name[2]) >= await self._count(context, kind):
            return None
        return await self._current(context, list_id)

    async def _count(self, context: ServerContext, kind: Kind) -> int:
        taken = await self._services.store.counter(context.id, filling_counter(kind))
        return -(-taken // FILLED_TO)

    async def _current(self, context: ServerContext, list_id: str) -> PublishedList:
        key = (context.id, list_id)
        made = await self._kept(context, key)
        if made is None:
            # One makes it, and those who wait find it made.
            async with self._turns.setdefault(key, asyncio.Lock()):
                made = await self._kept(context, key) or await self._make(context, list_id)
        return made.published

    async def _kept(self, context: ServerContext, key: tuple[str, str]) -> _Made | None:
        """Return the list as it was made, if it is still true and signed for long enough."""
        made = self._made.get(key)
        if made is None:
            return None
        age = self._services.clock.now() - made.at
        if not timedelta(0) <= age < SIGNED_FOR:
            return None
        if age < KEPT:
            return made
        revocations = await self._services.store.counter(context.id, REVOCATIONS)
        return made if made.revocations == revocations else None

    async def _make(self, context: ServerContext, list_id: str) -> _Made:
        # Read first: what is revoked while the list is made moves it on, and it is made again.
        revocations = await self._services.store.counter(context.id, REVOCATIONS)
        now = self._services.clock.now()
        revoked = {index: TokenStatus.INVALID async for index in self._revoked(context, list_id)}
        packed = pack_statuses(revoked, size=PLACES, bits=_BITS)
        claims = {
            "iss": context.issuer.url,
            "sub": list_uri(context, list_id),
            "iat": now,
            "exp": now + LIST_LIFETIME,
            "ttl": int(TIME_TO_LIVE.total_seconds()),
            "status_list": {"bits": _BITS, "lst": encode_status_list(packed)},
        }
        alg = context.issuer.access_token_signing_alg
        token = await self._services.signer.sign_jwt(context.id, claims, alg=alg, typ=LIST_TYPE)
        etag = hashlib.sha256(token.encode()).hexdigest()[:32]
        made = _Made(PublishedList(token, f'"{etag}"'), revocations, now)
        self._keep((context.id, list_id), made)
        return made

    def _keep(self, key: tuple[str, str], made: _Made) -> None:
        self._made[key] = made
        self._made.move_to_end(key)
        if len(self._made) > LISTS_KEPT:
            dropped, _ = self._made.popitem(last=False)
            self._turns.pop(dropped, None)

    async def _revoked(self, context: ServerContext, list_id: str) -> AsyncIterator[int]:
        """Yield the places of tokens that have ended, a page at a time."""
        after: str | None = f"{list_id}:"
        while after is not None:
            page = await self._services.store.page(
                StatusPlace, context.id, after=after, limit=_PAGE
            )
            places = [place for place in page.records if place.list_id == list_id]
            # Asked about together: to a database elsewhere that is one way instead of hundreds.
            ended = await asyncio.gather(*(self._is_revoked(context, place) for place in places))
            for place, is_ended in zip(places, ended, strict=True):
                if is_ended:
                    yield place.index
            if len(places) < len(page.records):
                return
            after = page.next_after
            await asyncio.sleep(0)  # others want answers too

    async def _is_revoked(self, context: ServerContext, place: StatusPlace) -> bool:
        kind, _, subject = place.subject.partition(":")
        if kind == "client":
            client = await self._services.store.get(Client, context.id, subject)
            return client is None or not (
                client.effects.tokens_active and client.token_generation == place.generation
            )
        return await self._is_ended(context, place, subject)

    async def _is_ended(self, context: ServerContext, place: StatusPlace, grant_id: str) -> bool:
        """Tell whether the token at *place* ended, while it could still be used.

        The place of one that has expired says nothing any more: it is free again when every copy
        of a list that said something is out of date.
        """
        store, now = self._services.store, self._services.clock.now()
        if place.expires_at is not None and place.expires_at - LIST_LIFETIME <= now:
            return False
        grant = await store.get(Grant, context.id, grant_id)
        if grant is None:
            return False  # the place was taken a moment before the grant is stored
        client = await store.get(Client, context.id, grant.authorization.client_id)
        if client is None:
            return True
        return not await is_live(store, context, client=client, grant=grant, now=now)
