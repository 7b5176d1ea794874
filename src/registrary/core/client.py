"""A registered client: what it is, what it proves itself with, and how it came in."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec

from registrary.core.lifecycle import (
    EFFECTS,
    ClientState,
    Effects,
    Hold,
    HoldKind,
    Standing,
    Trigger,
    next_state,
    standing,
)


class Credential(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A client secret or registration access token, as the store knows it.

    *mac* is the HMAC-SHA-256 of the whole text under the pepper *pepper_id*. *sealed* holds
    the secret itself, encrypted, and only where a method based on HMAC must read it back.
    *expires_at* is the promise made to the client (None: never); *retire_at* is set when a
    successor exists: the moment from which this one is no longer taken.
    """

    pepper_id: str
    mac: bytes
    issued_at: datetime
    expires_at: datetime | None = None
    retire_at: datetime | None = None
    sealed: bytes | None = None

    def is_usable(self, now: datetime) -> bool:
        """Tell whether the credential is neither expired nor retired at *now*."""
        if self.expires_at is not None and now >= self.expires_at:
            return False
        return self.retire_at is None or now < self.retire_at


class Door(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a client came in, and the ceilings that come with that for all its life.

    *mode* is ``open`` or ``protected``, *initial_access_token* the id of the token used, never
    the token; *registered_by* is ``client:…`` or ``person:…`` where an access token was shown
    instead. *policies* are names of registration policies that every later update must
    satisfy too, so that an update cannot escape what bound the registration.
    """

    mode: str
    initial_access_token: str | None = None
    registered_by: str | None = None
    organization: str | None = None
    policies: tuple[str, ...] = ()


class Client(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A client of one issuer. A revoked one stays as a tombstone: its id is never used again.

    *metadata* is the validated registration, wire name to value; *provenance* says where a
    value came from, for members the client did not send as they stand. *revision* grows by
    one with each write and is what a write compares against. Access tokens name the
    *token_generation* they were issued in; raising it ends them all at once. An administrator
    may shorten their *access_token_lifetime*. *approved_scope* are restricted scopes that a
    person allowed the client; it keeps them when it replaces its registration.
    """

    kind: ClassVar[str] = "client"

    issuer: str
    client_id: str
    revision: int = 1
    state: ClientState
    holds: tuple[Hold, ...] = ()
    metadata: dict[str, Any]
    provenance: dict[str, str] = {}
    door: Door
    secrets: tuple[Credential, ...] = ()
    registration_access_tokens: tuple[Credential, ...] = ()
    issued_at: datetime
    updated_at: datetime
    revoked_at: datetime | None = None
    token_generation: int = 0
    access_token_lifetime: timedelta | None = None
    approved_scope: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.client_id

    @property
    def standing(self) -> Standing:
        """Return what state and holds amount to."""
        return standing(self.state, self.holds)

    @property
    def effects(self) -> Effects:
        """Return what the client may do as it stands."""
        return EFFECTS[self.standing]


def hold(client: Client, placed: Hold) -> Client:
    """Return *client* with one more hold; a second of the same kind replaces the first.

    A hard hold also ends every token issued before it. Raises `TransitionError` when a client
    in this state cannot be held.
    """
    others = tuple(held for held in client.holds if held.kind is not placed.kind)
    holds = (*others, placed)
    held = msgspec.structs.replace(
        client,
        state=next_state(client.state, Trigger.HOLD),
        holds=holds,
        updated_at=placed.since,
        revision=client.revision + 1,
    )
    if held.standing is Standing.HARD_HOLD:
        return msgspec.structs.replace(held, token_generation=client.token_generation + 1)
    return held


def lift_hold(client: Client, kind: HoldKind, *, now: datetime) -> Client:
    """Return *client* without its hold of *kind*; active again when none is left.

    A kind that does not hold the client leaves it unchanged but for its revision.
    """
    holds = tuple(held for held in client.holds if held.kind is not kind)
    state = client.state
    if client.state is ClientState.SUSPENDED and not holds:
        state = next_state(client.state, Trigger.LIFT_LAST_HOLD)
    return msgspec.structs.replace(
        client, state=state, holds=holds, updated_at=now, revision=client.revision + 1
    )


def revoke(client: Client, *, now: datetime) -> Client:
    """Return *client* revoked: a tombstone without credentials, its tokens at an end."""
    return msgspec.structs.replace(
        client,
        state=next_state(client.state, Trigger.REVOKE),
        holds=(),
        secrets=(),
        registration_access_tokens=(),
        updated_at=now,
        revoked_at=now,
        token_generation=client.token_generation + 1,
        revision=client.revision + 1,
    )


def purge(client: Client, *, now: datetime) -> Client:
    """Return the tombstone *client* without what it once said of itself.

    Its id stays taken, and how it came in stays known. Raises `TransitionError` for a client
    that is not at its end.
    """
    return msgspec.structs.replace(
        client,
        state=next_state(client.state, Trigger.PURGE),
        holds=(),
        metadata={},
        provenance={},
        secrets=(),
        registration_access_tokens=(),
        updated_at=now,
        revision=client.revision + 1,
    )
