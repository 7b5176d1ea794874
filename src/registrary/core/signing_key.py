"""Key pairs of an issuer: which one is in use, which ones are published, when they change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from registrary.core.sealing import Place


class KeyUse(StrEnum):
    """What a key is for: it signs tokens or checkpoints of the audit log, or opens what is sent."""

    TOKEN = "token"
    AUDIT = "audit"
    ENCRYPTION = "encryption"


class KeyState(StrEnum):
    """Where a key stands: published before use, in use, published after use, gone."""

    PENDING = "pending"
    ACTIVE = "active"
    RETIRING = "retiring"
    RETIRED = "retired"


class SigningKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One key pair of an issuer. *kid* is the RFC 7638 thumbprint of *public_jwk*.

    *sealed_private* is the private key (PKCS #8) sealed for its `place`; it is empty from the
    moment the key is of no more use to us. A pending key signs from *activates_at* on; a retiring
    one is published until *retires_at*, when the last token it signed has expired. One for
    encryption is published while it is active, and opens what comes until *retires_at*.
    """

    kind: ClassVar[str] = "signing_key"

    issuer: str
    kid: str
    revision: int = 1
    use: KeyUse = KeyUse.TOKEN
    alg: str
    state: KeyState
    public_jwk: dict[str, Any]  # Any: members of a JWK (RFC 7517 §4)
    sealed_private: bytes = b""
    created_at: datetime
    activates_at: datetime
    retires_at: datetime | None = None

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.kid

    @property
    def place(self) -> Place:
        """Return the place that the private key is sealed for."""
        return private_key_place(self.issuer, self.kid)


def private_key_place(issuer: str, kid: str) -> Place:
    """Return the place of the private key *kid* of *issuer*."""
    return Place("signing_key", "sealed_private", issuer, kid)


def active_key(keys: Iterable[SigningKey], *, use: KeyUse, alg: str) -> SigningKey | None:
    """Return the key that signs with *alg* for *use*, None when there is none.

    Two processes may have made a first key each; everybody then takes the same of them.
    """
    active = [
        key for key in keys if key.state is KeyState.ACTIVE and key.use is use and key.alg == alg
    ]
    return max(active, key=_precedence, default=None)


def published_keys(keys: Iterable[SigningKey], *, use: KeyUse) -> tuple[SigningKey, ...]:
    """Return the keys for *use* that others may verify with, in a stable order.

    Retired token keys are left out. Audit keys stay for ever: old checkpoints do too. Of keys
    for encryption nobody should take one that is about to end.
    """
    published = (key for key in keys if key.use is use and _is_published(key))
    return tuple(sorted(published, key=lambda key: (key.created_at, key.kid)))


def opening_keys(keys: Iterable[SigningKey]) -> tuple[SigningKey, ...]:
    """Return the keys that open what others encrypted, the newest first."""
    opening = (
        key for key in keys if key.use is KeyUse.ENCRYPTION and key.state is not KeyState.RETIRED
    )
    return tuple(sorted(opening, key=_precedence, reverse=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationPolicy:
    """How long a key signs, and how long it is published around that.

    *lead* is at least as long as others may keep ``/jwks``, *overlap* at least the longest
    lifetime of a token.
    """

    lifetime: timedelta = timedelta(days=90)
    lead: timedelta = timedelta(days=1)
    overlap: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be made: what for, in which state, and from when on it signs."""

    use: KeyUse
    alg: str
    state: KeyState
    activates_at: datetime


@dataclass(frozen=True, slots=True)
class RotationPlan:
    """What is due: keys to make, and keys in their next revision."""

    new: tuple[NewKey, ...]
    changed: tuple[SigningKey, ...]


def plan_rotation(
    keys: Sequence[SigningKey],
    *,
    wanted: Sequence[tuple[KeyUse, str]],
    policy: RotationPolicy,
    now: datetime,
) -> RotationPlan:
    """Return what is due at *now* for an issuer that has *keys* and needs those *wanted*.

    Applied again and again it makes the first keys, renews token keys and retires what was
    replaced. Audit keys are only made, never renewed by time: verifiers know them by heart.
    """
    new: list[NewKey] = []
    changed: list[SigningKey] = []
    # Keys of an algorithm that is no longer wanted still have to come to their end.
    present = ((key.use, key.alg) for key in keys)
    for use, alg in dict.fromkeys((*wanted, *present)):
        group = [key for key in keys if key.use is use and key.alg == alg]
        changed += _changes_of(group, policy, now)
        if (use, alg) in wanted:
            new += _new_for(group, NewKey(use, alg, KeyState.ACTIVE, now), policy)
    return RotationPlan(tuple(new), tuple(changed))


def withdraw(key: SigningKey, *, now: datetime) -> SigningKey:
    """Return *key* retired at once, as after a theft: its tokens verify nowhere any more."""
    return _changed(key, state=KeyState.RETIRED, retires_at=now)


def renewal(key: SigningKey, *, policy: RotationPolicy, now: datetime) -> NewKey:
    """Return the successor of *key*, asked for now: it signs after the policy's lead."""
    return NewKey(key.use, key.alg, KeyState.PENDING, now + policy.lead)


def _changes_of(
    group: Sequence[SigningKey], policy: RotationPolicy, now: datetime
) -> list[SigningKey]:
    changed = [
        _changed(key, state=KeyState.RETIRED)
        for key in group
        if key.state is KeyState.RETIRING and key.retires_at is not None and key.retires_at <= now
    ]
    active = [key for key in group if key.state is KeyState.ACTIVE]
    pending = [key for key in group if key.state is KeyState.PENDING]
    due = [key for key in pending if key.activates_at <= now]
    if not active and pending and not due:
        # Nothing else can sign: the one that is nearest starts early.
        due = [min(pending, key=lambda key: (key.activates_at, key.kid))]
    changed += [_changed(key, state=KeyState.ACTIVE, activates_at=now) for key in due]
    signing = max(due or active, key=_precedence, default=None)
    changed += [
        _changed(key, state=KeyState.RETIRING, retires_at=now + policy.overlap)
        for key in active
        if key is not signing
    ]
    return changed


def _new_for(group: Sequence[SigningKey], first: NewKey, policy: RotationPolicy) -> list[NewKey]:
    now = first.activates_at
    if any(key.state is KeyState.PENDING for key in group):
        return []
    active = active_key(group, use=first.use, alg=first.alg)
    if active is None:
        return [first]
    end = active.activates_at + policy.lifetime
    if first.use is KeyUse.AUDIT or now < end - policy.lead:
        return []
    return [
        NewKey(first.use, first.alg, KeyState.PENDING, max(end, now + policy.lead)),
    ]


def _changed(
    key: SigningKey,
    *,
    state: KeyState,
    activates_at: datetime | None = None,
    retires_at: datetime | None = None,
) -> SigningKey:
    is_needed = state in (KeyState.PENDING, KeyState.ACTIVE) or (
        # What was encrypted to it yesterday arrives today.
        state is KeyState.RETIRING and key.use is KeyUse.ENCRYPTION
    )
    return msgspec.structs.replace(
        key,
        state=state,
        revision=key.revision + 1,
        sealed_private=key.sealed_private if is_needed else b"",
        activates_at=activates_at or key.activates_at,
        retires_at=retires_at or key.retires_at,
    )


def _is_published(key: SigningKey) -> bool:
    match key.use:
        case KeyUse.TOKEN:
            return key.state is not KeyState.RETIRED
        case KeyUse.AUDIT:
            return True
        case KeyUse.ENCRYPTION:
            return key.state is KeyState.ACTIVE


def _precedence(key: SigningKey) -> tuple[datetime, str]:
    return key.activates_at, key.kid
