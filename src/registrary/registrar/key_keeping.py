"""What administrators do to signing keys: look at them, replace one early, withdraw one at once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from registrary.core.changes import Changes, Put
from registrary.core.events import Actor, Event, Tag
from registrary.core.signing_key import (
    KeyState,
    KeyUse,
    NewKey,
    RotationPolicy,
    SigningKey,
    renewal,
    withdraw,
)
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.keys import KeyMaker, Signer
from registrary.registrar.administration import NotFound, NotPossible
from registrary.registrar.context import IssuerContext
from registrary.registrar.services import Services

_PAGE: Final = 500
_LEAD: Final = timedelta(days=1)  # as long as others may keep ``/jwks``


class KeyKeeper:
    """Acts on the signing keys of one issuer; the rotation by time goes on beside it."""

    def __init__(self, services: Services, maker: KeyMaker, signer: Signer) -> None:
        self._services = services
        self._maker = maker
        self._signer = signer

    async def keys(self, context: IssuerContext) -> Sequence[SigningKey]:
        """Return every key of the issuer, those that ended too."""
        page = await self._services.store.page(SigningKey, context.id, limit=_PAGE)
        return page.records

    async def renew(self, context: IssuerContext, kid: str, *, actor: Actor) -> SigningKey:
        """Make the successor of a key ahead of time; it signs once everybody can know it.

        Raises `NotFound`, and `NotPossible` for a key that does not sign or has a successor.
        """
        key = await self._token_key(context, kid)
        if key.state is not KeyState.ACTIVE or await self._pending(context, key):
            raise NotPossible("kid: must be a key that signs and has no successor yet")
        now = self._services.clock.now()
        wanted = renewal(key, policy=RotationPolicy(lead=_LEAD), now=now)
        successor = await self._maker.make(context.id, wanted, now=now)
        event = self._event(context, Tag.KEY_CREATED, successor, actor=actor)
        await self._services.store.commit(Changes(puts=(Put(successor),), events=(event,)))
        self._signer.forget(context.id)
        return successor

    async def withdraw(self, context: IssuerContext, kid: str, *, actor: Actor) -> SigningKey:
        """End a key at once, as after a theft: no token that it signed is good any more.

        Another takes over in the same moment if it was the one that signs. Raises `NotFound`,
        and `NotPossible` for a key that ended before.
        """
        key = await self._token_key(context, kid)
        if key.state is KeyState.RETIRED:
            raise NotPossible("kid: the key has ended")
        now = self._services.clock.now()
        puts = [Put(withdraw(key, now=now), expected=key.revision)]
        events = [self._event(context, Tag.KEY_RETIRED, key, actor=actor)]
        if key.state is KeyState.ACTIVE:
            wanted = NewKey(key.use, key.alg, KeyState.ACTIVE, now)
            successor = await self._maker.make(context.id, wanted, now=now)
            puts.append(Put(successor))
            events.append(self._event(context, Tag.KEY_CREATED, successor, actor=actor))
        await self._services.store.commit(Changes(puts=tuple(puts), events=tuple(events)))
        self._signer.forget(context.id)
        return withdraw(key, now=now)

    async def _token_key(self, context: IssuerContext, kid: str) -> SigningKey:
        key = await self._services.store.get(SigningKey, context.id, kid)
        if key is None:
            raise NotFound("key")
        if key.use is KeyUse.AUDIT:
            raise NotPossible("kid: the key of the log stays; old checkpoints need it")
        return key

    async def _pending(self, context: IssuerContext, key: SigningKey) -> bool:
        return any(
            other.state is KeyState.PENDING and (other.use, other.alg) == (key.use, key.alg)
            for other in await self.keys(context)
        )

    def _event(self, context: IssuerContext, tag: Tag, key: SigningKey, *, actor: Actor) -> Event:
        return an_event(
            Occasion(context.id, self._services.clock.now(), actor),
            tag,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            detail={"kid": key.kid, "alg": key.alg, "use": key.use.value},
        )
