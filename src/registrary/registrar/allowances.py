"""What an administrator allows one client beyond, or short of, what everybody gets."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from registrary.core.changes import Changes, Put
from registrary.core.client import Client
from registrary.core.events import Actor, FieldChange, Tag
from registrary.core.lifecycle import Standing
from registrary.core.metadata import Source
from registrary.policy.ceilings import lowered, policies_over
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.store import Conflict
from registrary.registrar.administration import NotFound, NotPossible, Stale
from registrary.registrar.announcing import and_told
from registrary.registrar.context import IssuerContext
from registrary.registrar.services import ATTEMPTS, Services

_LONGEST: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a client is allowed: restricted scopes, and how long its access tokens may last.

    *approved_scope* replaces what was approved before; None leaves it. *access_token_lifetime*
    None is the issuer's.
    """

    approved_scope: tuple[str, ...] | None
    access_token_lifetime: timedelta | None


class Allowances:
    """Sets what clients of an issuer are allowed, always with an event."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def allow(
        self,
        context: IssuerContext,
        client_id: str,
        allowance: Allowance,
        *,
        actor: Actor,
        expected: int | None = None,
    ) -> Client:
        """Give a client *allowance*, if it is at the revision *expected* (None: any).

        Scopes taken away end every token issued before. Raises `NotFound`, `NotPossible`, and
        `Stale` for another revision.
        """
        for _ in range(ATTEMPTS):
            client = await self._services.store.get(Client, context.id, client_id)
            if client is None:
                raise NotFound("client")
            if expected is not None and client.revision != expected:
                raise Stale
            changed = _allowed(client, allowance, context)
            if changed is client:
                return client
            try:
                await self._services.store.commit(
                    await and_told(
                        self._services,
                        context.issuer,
                        self._changes(context, client, changed, actor),
                        change=(client, changed),
                        by=actor,
                    )
                )
            except Conflict:
                continue
            return changed
        raise Conflict("client")

    def _changes(  # noqa: PLR0917 - before, after and who
        self, context: IssuerContext, before: Client, after: Client, actor: Actor
    ) -> Changes:
        services = self._services
        event = an_event(
            Occasion(context.id, services.clock.now(), actor),
            Tag.CLIENT_ALLOWED,
            draw=services.draw(EVENT_DRAW_BYTES),
            client_id=after.client_id,
            changes={
                name: FieldChange(old, new, "administrator")
                for name, old, new in _told(before, after)
                if old != new
            },
        )
        written = msgspec.structs.replace(after, updated_at=services.clock.now())
        return Changes(
            puts=(Put(written, expected=before.revision),),
            events=(event,),
        )


def _allowed(client: Client, allowance: Allowance, context: IssuerContext) -> Client:
    """Return *client* as *allowance* makes it; itself where that changes nothing."""
    if client.standing is Standing.GONE:
        raise NotPossible("the client has ended")
    lifetime = allowance.access_token_lifetime
    if lifetime is not None and not timedelta(0) < lifetime <= _LONGEST:
        raise NotPossible("access_token_lifetime: must be longer than nothing and at most 1d")
    approved = client.approved_scope
    if allowance.approved_scope is not None:
        approved = _checked(allowance.approved_scope, client, context)
    if (approved, lifetime) == (client.approved_scope, client.access_token_lifetime):
        return client
    lost = set(client.approved_scope) - set(approved)
    asked = client.metadata.get("scope", "").split()
    scope = " ".join(dict.fromkeys((*(name for name in asked if name not in lost), *approved)))
    return msgspec.structs.replace(
        client,
        approved_scope=approved,
        access_token_lifetime=lifetime,
        metadata={**client.metadata, "scope": scope},
        provenance={**client.provenance, "scope": Source.ADMINISTRATOR.value},
        token_generation=client.token_generation + bool(lost),
        revision=client.revision + 1,
    )


def _checked(names: tuple[str, ...], client: Client, context: IssuerContext) -> tuple[str, ...]:
    """Return *names* each once; refuse what is no restricted scope *client* may ever have.

    The policies over the client bind an administrator too: what they forbid would be lost again
    with its next update.
    """
    policies = policies_over(client, context.issuer)
    if policies is None:
        raise NotPossible("a policy that binds the client no longer exists")
    known, within = context.offer.scope_by_name, lowered(context.offer, policies).scope_by_name
    for name in names:
        if name not in known or not known[name].restricted:
            raise NotPossible("approved_scope: must be restricted scopes of this issuer")
        if name not in within:
            raise NotPossible("approved_scope: must be within the policies that bind the client")
    return tuple(dict.fromkeys(names))


def _told(before: Client, after: Client) -> list[tuple[str, object, object]]:
    def seconds(client: Client) -> int | None:
        lifetime = client.access_token_lifetime
        return None if lifetime is None else int(lifetime.total_seconds())

    return [
        ("scope", before.metadata.get("scope"), after.metadata.get("scope")),
        ("approved_scope", list(before.approved_scope), list(after.approved_scope)),
        ("access_token_lifetime", seconds(before), seconds(after)),
    ]
