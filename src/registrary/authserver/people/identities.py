"""Who somebody is here, by what an identity provider says of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.claims import STANDARD_CLAIMS
from registrary.authserver.people.names import upstream_name
from registrary.authserver.people.newcomers import NEWCOMER_DRAW_BYTES, newcomer
from registrary.authserver.people.services import ATTEMPTS, PeopleServices
from registrary.authserver.presented import Visit
from registrary.core.changes import Changes, Put
from registrary.core.events import Actor, ActorKind, Tag
from registrary.core.people import IdentityProvider, Person, SignInName, UpstreamIdentity
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.store import Conflict

CLAIMS_BYTES: Final = 8 * 1024  # of one person, as JSON
_VERIFIED: Final = {"email": "email_verified", "phone_number": "phone_number_verified"}


class Identities:
    """Knows people by their identities elsewhere: the provider and the ``sub``, nothing else.

    An e-mail address is no identity: who may set it at one provider would be somebody at another.
    """

    def __init__(self, services: PeopleServices) -> None:
        self._services = services

    async def person(
        self,
        context: ServerContext,
        provider: IdentityProvider,
        claims: Mapping[str, Any],  # Any: claims are JSON values of every kind
        *,
        visit: Visit,
    ) -> Person | None:
        """Return who the ``sub`` of *claims* is, brought up to date or made known now.

        None where *provider* makes nobody known and nobody is.
        """
        identity = _Identity(provider, str(claims["sub"]), mapped(provider, claims))
        for _ in range(ATTEMPTS):
            name = await self._services.store.get(SignInName, context.id, identity.name)
            try:
                if name is None:
                    return await self._newcomer(context, identity, visit=visit)
                person = await self._services.store.get(Person, context.id, name.person)
                if person is None:
                    return None
                return await self._renewed(context, person, identity, visit=visit)
            except Conflict:
                continue  # they came with two browsers at once
        raise Conflict(Person.kind)

    async def _newcomer(
        self, context: ServerContext, identity: "_Identity", *, visit: Visit
    ) -> Person | None:
        if not identity.provider.creates_people:
            return None
        occasion = self._occasion(context, identity, visit)
        person, changes = newcomer(
            occasion,
            draw=self._services.draw(NEWCOMER_DRAW_BYTES),
            claims=identity.claims,
            identity=identity.linked(occasion.now),
        )
        await self._services.store.commit(changes)
        return person

    async def _renewed(
        self, context: ServerContext, person: Person, identity: "_Identity", *, visit: Visit
    ) -> Person:
        """Return *person* with the claims of *identity*; what they do not name stays."""
        claims = _without_stale_proofs(person.claims, identity.claims) | identity.claims
        if claims == person.claims:
            return person
        occasion = self._occasion(context, identity, visit)
        renewed = msgspec.structs.replace(
            person, claims=claims, updated_at=occasion.now, revision=person.revision + 1
        )
        names = {*claims, *person.claims}
        changed = [name for name in names if claims.get(name) != person.claims.get(name)]
        event = an_event(
            occasion,
            Tag.PERSON_UPDATED,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            detail={"person": person.id, "claims": sorted(changed)},
        )
        put = Put(renewed, expected=person.revision)
        await self._services.store.commit(Changes(puts=(put,), events=(event,)))
        return renewed

    def _occasion(self, context: ServerContext, identity: "_Identity", visit: Visit) -> Occasion:
        actor = Actor(ActorKind.SYSTEM, f"identity_provider:{identity.provider.id}", visit.peer)
        return Occasion(context.id, self._services.clock.now(), actor, visit.request_id or None)


@dataclass(frozen=True, slots=True)
class _Identity:
    """Who somebody is at *provider*, and what it says of them."""

    provider: IdentityProvider
    subject: str
    claims: dict[str, Any]  # Any: claims are JSON values of every kind

    @property
    def name(self) -> str:
        return upstream_name(self.provider.id, self.subject)

    def linked(self, now: datetime) -> UpstreamIdentity:
        return UpstreamIdentity(provider=self.provider.id, subject=self.subject, linked_at=now)


def mapped(
    provider: IdentityProvider,
    claims: Mapping[str, Any],  # Any: claims are JSON values of every kind
) -> dict[str, Any]:
    """Return the standard claims that *claims* of *provider* hold, by our names.

    Too much of it is left out, the longest first to go: who decides at the provider what a person
    is called must not fill the store.
    """
    named = {name: claims.get(provider.claims.get(name, name)) for name in STANDARD_CLAIMS}
    told = {name: value for name, value in named.items() if value is not None}
    told.pop("updated_at", None)  # that is when it changed here
    for name in _VERIFIED.values():
        if name in told:
            # Some providers write a word, and clients take any word for a yes.
            told[name] = told[name] is True or told[name] == "true"
    while len(msgspec.json.encode(told)) > CLAIMS_BYTES:
        told.pop(max(told, key=lambda name: len(msgspec.json.encode(told[name]))))
    return told


def _without_stale_proofs(
    known: Mapping[str, Any],
    told: Mapping[str, Any],  # Any: claims are JSON values of every kind
) -> dict[str, Any]:
    """Return *known* without the proof of an address that is another one in *told*.

    Else whoever proved their own address at the provider could put there somebody else's, and
    clients that go by verified addresses would take them for that person.
    """
    stale = {
        proof for name, proof in _VERIFIED.items() if told.get(name) not in (None, known.get(name))
    }
    return {name: value for name, value in known.items() if name not in stale}
