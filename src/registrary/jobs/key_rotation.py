"""Makes, renews and retires the signing keys of an issuer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

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
    active_key,
    plan_rotation,
)
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.clock import Clock, Entropy
from registrary.ports.keys import KeyMaker, Signer
from registrary.ports.store import Conflict, Store

Wanted = Sequence[tuple[KeyUse, str]]
"""What keys an issuer needs: what for, and with which algorithm."""

WANTED: Final[Wanted] = (
    (KeyUse.TOKEN, "ES256"),
    (KeyUse.TOKEN, "EdDSA"),
    (KeyUse.AUDIT, "EdDSA"),
    (KeyUse.ENCRYPTION, "ECDH-ES"),
    (KeyUse.TOKEN, "RS256"),
)
OVERLAP: Final = timedelta(days=1)  # longer than any access token lives
_PAGE: Final = 500
_NOTHING: Final[Sequence[str]] = ()
_TAKEOVER: Final = frozenset({KeyState.ACTIVE, KeyState.RETIRING})
_Told = tuple[Tag, SigningKey, Sequence[str]]


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

    async def run(
        self,
        issuer: Issuer,
        entropy: Entropy,
        *,
        wanted: Wanted = WANTED,
        moment: datetime | None = None,
    ) -> None:
        """Do what is due at *moment*, now unless told, for *issuer*.

        It needs the kinds of keys in *wanted*.
        """
        while True:
            keys = await self._keys(issuer)
            policy = RotationPolicy(
                lifetime=issuer.lifetimes.signing_key,
                overlap=max(OVERLAP, issuer.lifetimes.access_token),
            )
            now = moment or self._clock.now()
            plan = plan_rotation(keys, wanted=wanted, policy=policy, now=now)
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
        told: list[_Told] = [(Tag.KEY_CREATED, key, _NOTHING) for key in made]
        told += [
            (Tag.KEY_RETIRED, key, _NOTHING)
            for key in plan.changed
            if key.state is KeyState.RETIRED
        ]
        told += _takeovers(keys, plan.changed)
        events = [
            self._event(issuer, tag, key, replaced=replaced, entropy=entropy)
            for tag, key, replaced in told
        ]
        # One rotation for each state of the keys: new keys alone would not conflict.
        turn = f"key_rotation:{sum(key.revision for key in keys)}:{len(keys)}"
        return Changes(
            puts=tuple(puts),
            events=tuple(events),
            consumptions=(Consume(issuer.id, turn, limit=1),),
        )

    def _event(
        self,
        issuer: Issuer,
        tag: Tag,
        key: SigningKey,
        *,
        replaced: Sequence[str],
        entropy: Entropy,
    ) -> Event:
        detail: dict[str, Any] = {"kid": key.kid, "alg": key.alg, "use": key.use.value}
        if replaced:
            detail["replaced"] = list(replaced)
        occasion = Occasion(issuer.id, self._clock.now(), Actor(ActorKind.SYSTEM))
        return an_event(
            occasion,
            tag,
            draw=Draw(entropy.token_bytes(EVENT_DRAW_BYTES)),
            detail=detail,
        )


def _takeovers(before: Sequence[SigningKey], changed: Sequence[SigningKey]) -> list[_Told]:
    """Return the keys that sign from now on, each with the ids of those it takes over from.

    One that was replaced is still published, so nothing is said of its end yet.
    """
    after = {key.kid: key for key in (*before, *changed)}.values()
    ended = {key.kid for key in changed if key.state is KeyState.RETIRING}
    groups = dict.fromkeys((key.use, key.alg) for key in changed if key.state in _TAKEOVER)
    told: list[_Told] = []
    for use, alg in groups:
        signing = active_key(after, use=use, alg=alg)
        if signing is not None:
            replaced = [
                key.kid for key in after if key.kid in ended and (key.use, key.alg) == (use, alg)
            ]
            told.append((Tag.KEY_ACTIVATED, signing, replaced))
    return told
