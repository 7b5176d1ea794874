"""The first issuer, made from the settings; others come through the admin API."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from registrary.config import Settings
from registrary.config.checks import listen_address
from registrary.core.changes import Changes, Put
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.issuer import (
    Issuer,
    Lifetimes,
    Limits,
    RegistrationMode,
    Resource,
    RuleSet,
)
from registrary.core.scope import DEVELOPMENT_SCOPES, NORMAL_SCOPES
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.clock import Clock, Entropy
from registrary.ports.store import Conflict, Store
from registrary.registrar.issuers import issuer_id

DEVELOPMENT_RESOURCE: Final = Resource(uri="https://api.example/", name="Example API")
DEVELOPMENT_RATE: Final = 10_000  # registrations a minute: nobody is kept waiting while trying


def issuer_url(settings: Settings) -> str:
    """Return the issuer's address; in development that of the listener when none is set."""
    if settings.issuer is not None:
        return settings.issuer
    host, port = listen_address(settings)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def issuer_of(settings: Settings, *, now: datetime) -> Issuer:
    """Return the issuer that *settings* describe."""
    url, wanted = issuer_url(settings), settings.registration
    default = RegistrationMode.OPEN if settings.dev else RegistrationMode.PROTECTED
    days = wanted.client_secret_days
    return Issuer(
        id=issuer_id(url),
        url=url,
        dev=settings.dev,
        rule_set=RuleSet(wanted.rule_set),
        mode=RegistrationMode(wanted.mode) if wanted.mode else default,
        scopes=DEVELOPMENT_SCOPES if settings.dev else NORMAL_SCOPES,
        resources=(DEVELOPMENT_RESOURCE,) if settings.dev else (),
        limits=Limits(
            registrations_per_minute=DEVELOPMENT_RATE if settings.dev else wanted.per_minute,
            anonymous_registrations_per_minute=(
                DEVELOPMENT_RATE if settings.dev else wanted.anonymous_per_minute
            ),
            updates_per_minute=DEVELOPMENT_RATE if settings.dev else wanted.updates_per_minute,
            networks=wanted.networks,
        ),
        lifetimes=Lifetimes(client_secret=timedelta(days=days) if days else None),
        created_at=now,
        updated_at=now,
    )


async def ensure_issuer(
    store: Store, settings: Settings, clock: Clock, *, entropy: Entropy
) -> None:
    """Record the issuer of *settings* unless it is there; a stored one is left as it is.

    In development the one issuer there is follows the listener to another port.
    """
    wanted = issuer_of(settings, now=clock.now())
    stored = await store.issuers()
    if any(issuer.url == wanted.url for issuer in stored):
        return
    put, tag = Put(wanted), Tag.ISSUER_CREATED
    if settings.dev and settings.issuer is None and len(stored) == 1 and stored[0].dev:
        moved = msgspec.structs.replace(
            stored[0],
            url=wanted.url,
            log_url=stored[0].log_address,
            revision=stored[0].revision + 1,
            updated_at=clock.now(),
        )
        put, tag = Put(moved, expected=stored[0].revision), Tag.ISSUER_UPDATED
    occasion = Occasion(put.record.issuer, clock.now(), Actor(ActorKind.OPERATOR))
    event = an_event(
        occasion,
        tag,
        draw=Draw(entropy.token_bytes(EVENT_DRAW_BYTES)),
        detail={"url": wanted.url, "mode": wanted.mode.value},
    )
    try:
        await store.commit(Changes(puts=(put,), events=(event,)))
    except Conflict:
        return  # another worker recorded the same issuer first
