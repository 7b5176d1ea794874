"""Clients that were really registered, held, revoked and purged, as patterns for many more.

A store of a million clients is not filled by a million requests: each family of clients is taken
through the product once, and what it left, its record and its events byte for byte, becomes a
pattern in which only what differs from client to client is filled in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bench.documents import MARK
from bench.population import PURGED, REVOKED, SUSPENDED, Family, families
from bench.workshop import Workshop
from registrary.core.client import Client
from registrary.core.draft import Applicant, PresentedToken
from registrary.core.events import Actor, ActorKind
from registrary.core.lifecycle import HoldKind
from registrary.jobs.purging import Purge
from registrary.policy.decision import Accepted
from registrary.policy.doors import Entry
from registrary.ports.audit_log import LoggedEvent
from registrary.registrar.administration import Administrator
from registrary.registrar.initial_access_tokens import InitialAccessTokens, TokenWish
from registrary.registrar.registration import Registrar
from registrary.storage.shared.kinds import encode
from registrary.wiring.adapters import SystemEntropy

NUMBER: Final = "999999999999"  # where each copy has its own
_REQUEST: Final = "f" * 20
_PEER: Final = "127.0.0.1"
_OPERATOR: Final = Actor(ActorKind.OPERATOR, "bench", None)
_LONG_AFTER: Final = timedelta(days=3650)

_MOMENT: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_MAC: Final = re.compile(rb'"mac":"[A-Za-z0-9+/]{43}="')

Pattern = bytes
"""Text for ``%``: whatever is not ``%(name)b`` in it stands as it is."""


@dataclass(frozen=True, slots=True)
class Template:
    """One client of *family*: *record* and *events* are patterns, *name* is of its counter."""

    family: str
    share: int
    organization: str | None
    counts: bool
    revision: int
    record: Pattern
    events: tuple[Pattern, ...]


class _LaterClock:
    """A clock that says it is ten years from now, for those that wait so long."""

    def __init__(self, now: datetime) -> None:
        self._now = now + _LONG_AFTER

    def now(self) -> datetime:
        """Return that moment."""
        return self._now


async def make_templates(shop: Workshop, organizations: tuple[str, ...]) -> list[Template]:
    """Take every family of clients through *shop* and return what it left, purged ones first."""
    doors = [await _door(shop, organization) for organization in organizations]
    # Purging takes all that are revoked, so those that shall stay revoked come afterwards.
    ordered = sorted(families(NUMBER), key=lambda family: family.state is not PURGED)
    return [
        await _template(shop, family, door)
        for family in ordered
        for door in (doors if family.is_member else [(None, None)])
    ]


async def _door(shop: Workshop, organization: str) -> tuple[str, PresentedToken]:
    wish = TokenWish(organization=organization, note="bench")
    _, token = await InitialAccessTokens(shop.services).create(shop.context, wish, actor=_OPERATOR)
    return organization, PresentedToken(token.reveal())


async def _template(
    shop: Workshop, family: Family, door: tuple[str | None, PresentedToken | None]
) -> Template:
    organization, token = door
    registrar, applicant = Registrar(shop.services), Applicant(token, _PEER, _REQUEST)
    entry = await registrar.enter(shop.context, applicant)
    assert isinstance(entry, Entry), entry
    decision = await registrar.register(shop.context, entry, family.document)
    assert isinstance(decision, Accepted), (family.name, decision)
    client_id = decision.client.client_id
    await _bring_to_state(shop, family, client_id)
    client = await shop.store.get(Client, shop.context.id, client_id)
    assert client is not None
    events = await shop.store.recent_events(shop.context.id, client_id=client_id, limit=10)
    return Template(
        family=family.name,
        share=family.share,
        organization=organization,
        counts=family.state not in {REVOKED, PURGED},
        revision=client.revision,
        record=_pattern(encode(client), {client_id: "client_id"}),
        events=tuple(_pattern_of_event(event, client_id) for event in reversed(events)),
    )


async def _bring_to_state(shop: Workshop, family: Family, client_id: str) -> None:
    administrator, context = Administrator(shop.services), shop.context
    if family.state is SUSPENDED:
        held = (HoldKind.REVIEW_OVERDUE, "nobody confirmed it this year")
        await administrator.hold(context, client_id, held, actor=_OPERATOR)
    if family.state in {REVOKED, PURGED}:
        await administrator.revoke(context, client_id, reason="no longer used", actor=_OPERATOR)
    if family.state is PURGED:
        clock = _LaterClock(shop.services.clock.now())
        assert await Purge(shop.store, clock, SystemEntropy()).run(context.issuer)


def _pattern_of_event(event: LoggedEvent, client_id: str) -> Pattern:
    assert event.body is not None
    return _pattern(event.body, {client_id: "client_id", event.event_id: "event_id"})


def _pattern(text: bytes, names: Mapping[str, str]) -> Pattern:
    """Turn *text* into a pattern: moments, digests, numbers, and each of *names*."""
    pattern = text.replace(b"%", b"%%")
    for value, name in {**names, NUMBER: "number", _REQUEST: "request"}.items():
        pattern = pattern.replace(value.encode(), f"%({name})b".encode())
    pattern = _MOMENT.sub(b"%(moment)b", pattern)
    for mac in (b"first_mac", b"second_mac"):  # a secret and a token, or one of the two
        pattern = _MAC.sub(b'"mac":"%(' + mac + b')b"', pattern, count=1)
    assert MARK.encode() not in pattern
    return pattern
