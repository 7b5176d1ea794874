"""Whether what a person once allowed is still so. Every endpoint asks here and nowhere else."""

from dataclasses import dataclass
from datetime import datetime

from registrary.authserver.context import ServerContext
from registrary.core.client import Client
from registrary.core.grants import Authorization, Grant
from registrary.core.people import Person
from registrary.ports.store import Store


@dataclass(frozen=True, slots=True)
class Holder:
    """Who an authorization is about: a person, or None where a client acts in its own name."""

    person: Person | None


def client_stands(client: Client, authorization: Authorization) -> bool:
    """Tell whether *client* is in good standing, and its tokens were not all ended since."""
    return (
        client.client_id == authorization.client_id
        and client.effects.tokens_active
        and client.token_generation == authorization.client_generation
    )


async def holder_of(
    store: Store, context: ServerContext, authorization: Authorization, *, client: Client
) -> Holder | None:
    """Return whom *authorization* is about, None when client or person no longer stand by it."""
    if not client_stands(client, authorization):
        return None
    if authorization.person is None:
        return Holder(None)
    person = await store.get(Person, context.id, authorization.person)
    if person is None or person.disabled_at is not None:
        return None
    return Holder(person) if person.generation == authorization.person_generation else None


async def live_holder(
    store: Store, context: ServerContext, *, client: Client, grant: Grant, now: datetime
) -> Holder | None:
    """Return whom *grant* is about, None when nothing can come of it any more."""
    if grant.revoked_at is not None or grant.expires_at <= now:
        return None
    return await holder_of(store, context, grant.authorization, client=client)


async def is_live(
    store: Store, context: ServerContext, *, client: Client, grant: Grant, now: datetime
) -> bool:
    """Tell whether tokens of *grant* are good, as far as their own expiry lets them be."""
    return await live_holder(store, context, client=client, grant=grant, now=now) is not None
