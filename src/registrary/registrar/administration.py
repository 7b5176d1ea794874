"""What administrators and operators do to clients: hold, resume, revoke, renew credentials."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from registrary.core.changes import Changes, Consume, Put
from registrary.core.client import Client, hold, lift_hold, revoke
from registrary.core.errors import FieldError
from registrary.core.events import Actor, Event, Tag
from registrary.core.lifecycle import Hold, HoldKind, Standing, TransitionError, Trigger
from registrary.core.metadata import parsers
from registrary.core.secrets import Secret
from registrary.policy.ceilings import policies_over
from registrary.policy.consistency import needs_recoverable_secret, needs_secret
from registrary.policy.credentials import (
    CREDENTIALS_DRAW_BYTES,
    Issue,
    issue_client_secret,
    issue_registration_access_token,
    succeed,
)
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.policy.quotas import counted
from registrary.policy.registering import secret_lifetime
from registrary.ports.store import Conflict
from registrary.registrar.announcing import and_told
from registrary.registrar.context import IssuerContext
from registrary.registrar.services import ATTEMPTS, Services

WORDS_LIMIT: Final = 1000  # characters of a reason or note


class NotFound(LookupError):
    """There is no such record; the text says of which kind."""


class NotPossible(ValueError):
    """The request cannot be carried out on what is stored; the text says why."""


class Stale(Exception):
    """The change was based on an older revision than the stored one; nothing was done."""


class Administrator:
    """Acts on clients of one issuer on behalf of *actor*, always with an event."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def find(self, context: IssuerContext, client_id: str) -> Client:
        """Return a client in whatever state. Raises `NotFound`."""
        client = await self._services.store.get(Client, context.id, client_id)
        if client is None:
            raise NotFound("client")
        return client

    async def hold(
        self, context: IssuerContext, client_id: str, placed: tuple[HoldKind, str], *, actor: Actor
    ) -> Client:
        """Hold a client for a kind of reason and in words; it stops at once.

        Raises `NotFound`, `NotPossible` for a reason that nobody can read, and `TransitionError`
        for a client that cannot be held.
        """
        kind, reason = placed
        check_words("reason", reason, limit=WORDS_LIMIT)

        def change(client: Client, now: datetime) -> Client:
            return hold(client, Hold(kind=kind, reason=reason, actor=name_of(actor), since=now))

        return await self._change(
            context,
            client_id,
            change,
            told=_Told(Tag.CLIENT_HELD, actor, reason, {"hold": kind.value}),
        )

    async def lift(
        self, context: IssuerContext, client_id: str, kind: HoldKind | None, *, actor: Actor
    ) -> Client:
        """Lift one hold, or with None every hold; active again when none is left.

        Where there is no such hold nothing is written. Raises `NotFound`, and `TransitionError`
        for a client that has ended.
        """

        def change(client: Client, now: datetime) -> Client:
            if client.standing is Standing.GONE:
                raise TransitionError(client.state, Trigger.LIFT_LAST_HOLD)
            kinds = [held.kind for held in client.holds if kind in (None, held.kind)]
            if not kinds:
                return client
            lifted = client
            for one in kinds:
                lifted = lift_hold(lifted, one, now=now)
            return msgspec.structs.replace(lifted, revision=client.revision + 1)

        detail = {"hold": kind.value if kind else "all"}
        return await self._change(
            context, client_id, change, told=_Told(Tag.CLIENT_HOLD_LIFTED, actor, None, detail)
        )

    async def revoke(
        self, context: IssuerContext, client_id: str, *, reason: str, actor: Actor
    ) -> Client:
        """Revoke a client for good; its credentials and tokens end at once.

        Raises as `hold` does.
        """
        check_words("reason", reason, limit=WORDS_LIMIT)

        def change(client: Client, now: datetime) -> Client:
            return revoke(client, now=now)

        return await self._change(
            context, client_id, change, told=_Told(Tag.CLIENT_REVOKED, actor, reason, {})
        )

    async def rotate_secret(
        self,
        context: IssuerContext,
        client_id: str,
        *,
        overlap: timedelta | None = None,
        actor: Actor,
    ) -> tuple[Client, Secret]:
        """Give a client a new secret; the old one is good until the new one is used.

        It is good for *overlap* at most, by default the issuer's; zero ends it at once. Raises
        `NotPossible` for a client that needs no secret.
        """

        def make(client: Client, now: datetime) -> tuple[Secret, Client]:
            if not needs_secret(client.metadata):
                raise NotPossible("the client authenticates without a secret")
            policies = policies_over(client, context.issuer) or ()
            lifetime = secret_lifetime(context.issuer, policies)
            secret, credential = issue_client_secret(
                Issue(context.id, client.client_id, now, lifetime),
                self._services.credential_keys(),
                self._services.draw(CREDENTIALS_DRAW_BYTES),
                is_recoverable=needs_recoverable_secret(client.metadata),
            )
            length = context.issuer.lifetimes.client_secret_overlap if overlap is None else overlap
            kept = succeed(client.secrets, credential, overlap=length)
            return secret, msgspec.structs.replace(client, secrets=kept)

        told = _Told(Tag.SECRET_ROTATED, actor, None, _overlap_told(overlap))
        return await self._renew(context, client_id, make, told=told)

    async def rotate_registration_access_token(
        self,
        context: IssuerContext,
        client_id: str,
        *,
        overlap: timedelta | None = None,
        actor: Actor,
    ) -> tuple[Client, Secret]:
        """Give a client a new registration access token, as when it lost the old one.

        The old one is good until the new one is used, and for *overlap* at most.
        """

        def make(client: Client, now: datetime) -> tuple[Secret, Client]:
            if client.standing is Standing.GONE:
                raise NotPossible("the client has ended")
            token, credential = issue_registration_access_token(
                Issue(context.id, client.client_id, now),
                self._services.credential_keys(),
                self._services.draw(CREDENTIALS_DRAW_BYTES),
            )
            usual = context.issuer.lifetimes.registration_access_token_overlap
            length = usual if overlap is None else min(overlap, usual)
            kept = succeed(client.registration_access_tokens, credential, overlap=length)
            return token, msgspec.structs.replace(client, registration_access_tokens=kept)

        told = _Told(Tag.REGISTRATION_ACCESS_TOKEN_ROTATED, actor, None, _overlap_told(overlap))
        return await self._renew(context, client_id, make, told=told)

    async def _renew(
        self,
        context: IssuerContext,
        client_id: str,
        make: Callable[[Client, datetime], tuple[Secret, Client]],
        *,
        told: "_Told",
    ) -> tuple[Client, Secret]:
        """Let *make* give a client a new credential, again when somebody else wrote meanwhile."""
        fresh: list[Secret] = []

        def change(client: Client, now: datetime) -> Client:
            secret, renewed = make(client, now)
            fresh[:] = [secret]
            return msgspec.structs.replace(renewed, revision=client.revision + 1, updated_at=now)

        client = await self._change(context, client_id, change, told=told)
        return client, fresh[0]

    async def _change(
        self,
        context: IssuerContext,
        client_id: str,
        change: Callable[[Client, datetime], Client],
        *,
        told: "_Told",
    ) -> Client:
        """Apply *change* to what is stored, again when somebody else wrote meanwhile.

        A change that returns the client itself has nothing to do: no event, no new revision.
        """
        for _ in range(ATTEMPTS):
            client = await self.find(context, client_id)
            changed = change(client, self._services.clock.now())
            if changed is client:
                return client
            event = self._event(
                context,
                told.tag,
                told.actor,
                client_id=client_id,
                reason=told.reason,
                detail=told.detail,
            )
            gives_back: tuple[Consume, ...] = ()
            if changed.revoked_at is not None and client.revoked_at is None:
                gives_back = counted(context.issuer, client.door.organization, amount=-1)
            changes = await and_told(
                self._services,
                context.issuer,
                Changes(
                    puts=(Put(changed, expected=client.revision),),
                    events=(event,),
                    consumptions=gives_back,
                ),
                change=(client, changed),
                by=told.actor,
            )
            try:
                await self._services.store.commit(changes)
            except Conflict:
                continue
            return changed
        raise Conflict("client")

    def _event(
        self,
        context: IssuerContext,
        tag: Tag,
        actor: Actor,
        *,
        client_id: str | None = None,
        reason: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> Event:
        return an_event(
            Occasion(context.id, self._services.clock.now(), actor),
            tag,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            client_id=client_id,
            reason=reason,
            detail=detail,
        )


def check_words(member: str, words: str, *, limit: int) -> None:
    """Refuse words that a log or a terminal must not hold, and those that say nothing."""
    try:
        parsers.name(words, limit=limit)
    except FieldError as error:
        raise NotPossible(f"{member}: {error.rule}") from error


@dataclass(frozen=True, slots=True)
class _Told:
    """What the event of a change says."""

    tag: Tag
    actor: Actor
    reason: str | None
    detail: Mapping[str, object]


def _overlap_told(overlap: timedelta | None) -> dict[str, object]:
    return {} if overlap is None else {"overlap_seconds": int(overlap.total_seconds())}


def name_of(actor: Actor) -> str:
    """Return *actor* in a word or two, as records say who made them."""
    return f"{actor.kind.value}:{actor.id}" if actor.id else actor.kind.value
