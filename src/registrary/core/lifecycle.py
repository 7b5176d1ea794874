"""The life of a client: its states, the holds upon it, and what each allows.

This table is the only place where transitions live. A client is suspended exactly while it
has a hold; lifting one hold of two leaves it suspended.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class ClientState(StrEnum):
    """The primary state of a client."""

    DRAFT = "draft"
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REVOKED = "revoked"
    PURGED = "purged"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    OBSERVED = "observed"


class HoldKind(StrEnum):
    """Why a client is held. Hard kinds act as if its credentials were not known."""

    DORMANT = "dormant"
    AGREEMENT_LAPSED = "agreement_lapsed"
    OWNER_ORPHANED = "owner_orphaned"
    REVIEW_OVERDUE = "review_overdue"
    CREDENTIAL_EXPIRED = "credential_expired"
    POLICY_DRIFT = "policy_drift"
    INCIDENT = "incident"
    ADMIN = "admin"
    UPSTREAM_INACTIVE = "upstream_inactive"
    PARENT_ORGANIZATION = "parent_organization"


HARD_HOLDS: Final = frozenset(
    {
        HoldKind.INCIDENT,
        HoldKind.ADMIN,
        HoldKind.UPSTREAM_INACTIVE,
        HoldKind.PARENT_ORGANIZATION,
    }
)


class Hold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reason why a client may not act, with who placed it, when and in which words."""

    kind: HoldKind
    reason: str
    actor: str
    since: datetime


class Trigger(StrEnum):
    """What moves a client from one state to another."""

    REGISTER = "register"
    SUBMIT = "submit"
    APPROVE = "approve"
    DENY = "deny"
    WITHDRAW = "withdraw"
    HOLD = "hold"
    LIFT_LAST_HOLD = "lift_last_hold"
    EXPIRE = "expire"
    RENEW = "renew"
    REVOKE = "revoke"
    RESTORE = "restore"
    PURGE = "purge"
    OBSERVE = "observe"


_S, _T = ClientState, Trigger

TRANSITIONS: Final[dict[ClientState | None, dict[Trigger, ClientState]]] = {
    None: {
        _T.REGISTER: _S.ACTIVE,
        _T.SUBMIT: _S.PENDING,
        _T.OBSERVE: _S.OBSERVED,
    },
    _S.DRAFT: {_T.SUBMIT: _S.PENDING, _T.REVOKE: _S.REVOKED},
    _S.PENDING: {
        _T.APPROVE: _S.ACTIVE,
        _T.DENY: _S.REJECTED,
        _T.WITHDRAW: _S.WITHDRAWN,
        _T.EXPIRE: _S.EXPIRED,
        _T.REVOKE: _S.REVOKED,
    },
    _S.ACTIVE: {_T.HOLD: _S.SUSPENDED, _T.EXPIRE: _S.EXPIRED, _T.REVOKE: _S.REVOKED},
    _S.SUSPENDED: {
        _T.HOLD: _S.SUSPENDED,
        _T.LIFT_LAST_HOLD: _S.ACTIVE,
        _T.EXPIRE: _S.EXPIRED,
        _T.REVOKE: _S.REVOKED,
    },
    _S.OBSERVED: {_T.HOLD: _S.SUSPENDED, _T.APPROVE: _S.ACTIVE, _T.REVOKE: _S.REVOKED},
    _S.EXPIRED: {_T.RENEW: _S.ACTIVE, _T.REVOKE: _S.REVOKED},
    _S.REVOKED: {_T.RESTORE: _S.SUSPENDED, _T.PURGE: _S.PURGED},
    _S.REJECTED: {_T.PURGE: _S.PURGED},
    _S.WITHDRAWN: {_T.PURGE: _S.PURGED},
    _S.PURGED: {},
}


_REFUSED: Final = {
    _T.REGISTER: "be registered",
    _T.SUBMIT: "be submitted",
    _T.APPROVE: "be approved",
    _T.DENY: "be denied",
    _T.WITHDRAW: "be withdrawn",
    _T.HOLD: "be held",
    _T.LIFT_LAST_HOLD: "have holds lifted",
    _T.EXPIRE: "expire",
    _T.RENEW: "be renewed",
    _T.REVOKE: "be revoked",
    _T.RESTORE: "be restored",
    _T.PURGE: "be purged",
    _T.OBSERVE: "be observed",
}


class TransitionError(ValueError):
    """The trigger does not apply to a client in this state; nothing changed."""

    def __init__(self, state: ClientState | None, trigger: Trigger) -> None:
        super().__init__(f"a client that is {state or 'not there'} cannot {_REFUSED[trigger]}")
        self.state = state
        self.trigger = trigger


def next_state(state: ClientState | None, trigger: Trigger) -> ClientState:
    """Return the state that *trigger* leads to from *state* (None: not yet a client).

    Raises `TransitionError` when the table has no such transition.
    """
    try:
        return TRANSITIONS[state][trigger]
    except KeyError:
        raise TransitionError(state, trigger) from None


class Standing(StrEnum):
    """What a client's state and holds amount to at the endpoints."""

    GOOD = "good"
    AWAITING = "awaiting"
    SOFT_HOLD = "soft_hold"
    HARD_HOLD = "hard_hold"
    GONE = "gone"


def standing(state: ClientState, holds: tuple[Hold, ...]) -> Standing:
    """Return what *state* and *holds* amount to; a hard hold outweighs any soft one."""
    if state is ClientState.ACTIVE or state is ClientState.OBSERVED:
        return Standing.GOOD
    if state is ClientState.SUSPENDED:
        hard = any(hold.kind in HARD_HOLDS for hold in holds)
        return Standing.HARD_HOLD if hard else Standing.SOFT_HOLD
    if state in (ClientState.PENDING, ClientState.DRAFT):
        return Standing.AWAITING
    if state is ClientState.EXPIRED:
        return Standing.SOFT_HOLD
    return Standing.GONE


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """What a standing allows.

    *refusal* is the OAuth error a client meets when it authenticates or authorizes, None when
    it may go on. *may_read*, *may_update* and *may_delete* concern the client configuration
    endpoint (RFC 7592); with *descriptive_only* an update may touch nothing but what people
    read. *tokens_active* tells whether introspection may call its tokens active.
    """

    refusal: str | None
    tokens_active: bool
    may_read: bool
    may_update: bool
    may_delete: bool
    descriptive_only: bool = False


EFFECTS: Final[dict[Standing, Effects]] = {
    Standing.GOOD: Effects(
        refusal=None,
        tokens_active=True,
        may_read=True,
        may_update=True,
        may_delete=True,
    ),
    Standing.AWAITING: Effects(
        refusal="unauthorized_client",
        tokens_active=False,
        may_read=True,
        may_update=True,
        may_delete=True,
    ),
    Standing.SOFT_HOLD: Effects(
        refusal="unauthorized_client",
        tokens_active=False,
        may_read=True,
        may_update=True,
        may_delete=True,
        descriptive_only=True,
    ),
    Standing.HARD_HOLD: Effects(
        refusal="invalid_client",
        tokens_active=False,
        may_read=True,
        may_update=False,
        may_delete=False,
    ),
    Standing.GONE: Effects(
        refusal="invalid_client",
        tokens_active=False,
        may_read=False,
        may_update=False,
        may_delete=False,
    ),
}
