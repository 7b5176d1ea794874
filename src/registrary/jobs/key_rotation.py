"""Makes, renews and retires the signing keys of an issuer."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from registrary.core.changes import Changes, Consume, Put
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Event, Tag
from registrary.core.issuer import Issuer
from registrary.core.signing_key import (
    KeyState,
    KeyUse,
    RotationPlan,
    RotationPolicy,
    SigningKey,
    plan_rotation,
)
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.clock import Clock, Entropy
from registrary.ports.keys import KeyMaker, Signer
from registrary.ports.store import Conflict, Store

# ES256 first: it is made at once, and RS256 takes a moment.
WANTED: Final = (
    (KeyUse.TOKEN, "ES256"),
    (KeyUse.TOKEN, "EdDSA"),
    (KeyUse.AUDIT, "EdDSA"),
    (KeyUse.TOKEN, "RS256"),
)
OVERLAP: Final = timedelta(days=1)  # longer than any access token lives
_PAGE: Final = 500
_TAGS: Final = {
    KeyState.ACTIVE: Tag.KEY_ACTIVATED,
    KeyState.RETIRING: Tag.KEY_RETIRED,
    KeyState.RETIRED: Tag.KEY_RETIRED,
}


class KeyRotation:
    """Keeps the keys of every issuer as its lifetimes demand.

    Any number of processes may run it at once: of two that plan from the same keys the store
    takes one, and the other plans again.
    """

    def __init__(self, store: Store, signer: Signer, maker: KeyMaker, *, clock: Clock) -> None:
        self._store = store
        self._signer = signer
        self._maker = maker
        self._clock = clock

    async def run(self, issuer: Issuer, entropy: Entropy) -> None:
        """Do what is due for *issuer*."""
        while True:
            keys = await self._keys(issuer)
            policy = RotationPolicy(
                lifetime=issuer.lifetimes.signing_key,
                overlap=max(OVERLAP, issuer.lifetimes.access_token),
            )
            now = self._clock.now()
            plan = plan_rotation(keys, wanted=WANTED, policy=policy, now=now)
            if not plan.new and not plan.changed:
                return
            try:
                await self._store.commit(await self._changes(issuer, keys, plan, entropy=entropy))
            except Conflict:
                continue
            self._signer.forget(issuer.id)

    async def _keys(self, issuer: Issuer) -> Sequence[SigningKey]:
        page = await self._store.page(SigningKey, issuer.id, limit=_PAGE)
        return page.records

    async def _changes(
        self, issuer: Issuer, keys: Sequence[SigningKey], plan: RotationPlan, *, entropy: Entropy
    ) -> Changes:
        now = self._clock.now()
        made = [await self._maker.make(issuer.id, wanted, now=now) for wanted in plan.new]
        puts = [Put(key) for key in made]
        puts += [Put(key, expected=key.revision - 1) for key in plan.changed]
        events = [self._event(issuer, Tag.KEY_CREATED, key, entropy=entropy) for key in made]
        events += [
            self._event(issuer, _TAGS[key.state], key, entropy=entropy)
            for key in plan.changed
            if key.state in _TAGS
        ]
        # One rotation for each state of the keys: new keys alone would not conflict.
        turn = f"key_rotation:{sum(key.revision for key in keys)}:{len(keys)}"
        return Changes(
            puts=tuple(puts),
            events=tuple(events),
            consumptions=(Consume(issuer.id, turn, limit=1),),
        )

    def _event(self, issuer: Issuer, tag: Tag, key: SigningKey, *, entropy: Entropy) -> Event:
        occasion = Occasion(issuer.id, self._clock.now(), Actor(ActorKind.SYSTEM))
        return an_event(
            occasion,
            tag,
            draw=Draw(entropy.token_bytes(EVENT_DRAW_BYTES)),
            detail={"kid": key.kid, "alg": key.alg, "use": key.use.value},
        )
