"""How a person may prove who they are: their passkeys, codes and password, added and removed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from registrary.authserver.people.names import passkey_name, upstream_name
from registrary.authserver.people.one_time_codes import enrolled
from registrary.authserver.people.passkeys import relying_party
from registrary.authserver.people.refusals import Unfit, Unknown
from registrary.authserver.people.services import ATTEMPTS, PeopleServices
from registrary.core.base64url import encode
from registrary.core.changes import Changes, Delete, Put
from registrary.core.events import Tag
from registrary.core.issuer import Issuer
from registrary.core.people import Passkey, Person, SignInName, UpstreamIdentity
from registrary.core.sealing import SEAL_DRAW_BYTES
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.ports.store import Conflict

PASSKEYS_LIMIT: Final = 20  # of one person
NAME_LIMIT: Final = 80  # characters


@dataclass(frozen=True, slots=True)
class Change:
    """A person as they shall be, and what goes with it; *detail* is told in the event."""

    person: Person
    detail: dict[str, object] = field(default_factory=dict)
    puts: tuple[Put, ...] = ()
    deletions: tuple[Delete, ...] = ()


def may_enrol_codes(person: Person) -> bool:
    """Tell whether *person* has a password that codes can stand beside."""
    return person.password is not None and not person.identities


def may_enrol_passkeys(issuer: Issuer, person: Person) -> bool:
    """Tell whether *person* signs in here, and browsers make passkeys for where that is."""
    return relying_party(issuer) is not None and not person.identities


class WaysIn:
    """Changes how people prove who they are, always with an event."""

    def __init__(self, services: PeopleServices) -> None:
        self._services = services

    async def add_passkey(self, occasion: Occasion, person: Person, passkey: Passkey) -> Person:
        """Return *person* with *passkey*; raises `Unfit` when it is known, or one too many."""
        if await self._services.store.get(SignInName, person.issuer, passkey_name(passkey.id)):
            raise Unfit("passkey: is known already")

        def added(stored: Person) -> Change:
            if len(stored.passkeys) >= PASSKEYS_LIMIT:
                raise Unfit("passkey: there are too many already")
            name = SignInName(issuer=stored.issuer, name=passkey_name(passkey.id), person=stored.id)
            after = msgspec.structs.replace(stored, passkeys=(*stored.passkeys, passkey))
            return Change(after, {"passkey": encode(passkey.id)}, (Put(name),))

        return await self.change(occasion, person.id, Tag.PASSKEY_ADDED, decide=added)

    async def remove_passkey(self, occasion: Occasion, person: str, identifier: str) -> Person:
        """Return the person *person* without the passkey *identifier*; raises `Unknown`."""

        def removed(stored: Person) -> Change:
            kept = tuple(each for each in stored.passkeys if encode(each.id) != identifier)
            if kept == stored.passkeys:
                raise Unknown("passkey")
            gone = tuple(
                Delete(SignInName.kind, stored.issuer, passkey_name(each.id))
                for each in stored.passkeys
                if each not in kept
            )
            after = msgspec.structs.replace(stored, passkeys=kept)
            return Change(after, {"passkey": identifier}, deletions=gone)

        return await self.change(occasion, person, Tag.PASSKEY_REMOVED, decide=removed)

    async def enrol_codes(
        self, occasion: Occasion, person: Person, secret: bytes, *, step: int
    ) -> Person:
        """Return *person* with the codes of *secret*; that of *step* was used to show it."""

        def enrolled_now(stored: Person) -> Change:
            draw = self._services.draw(SEAL_DRAW_BYTES)
            codes = enrolled(self._services, stored, secret, step=step, draw=draw)
            return Change(msgspec.structs.replace(stored, one_time_codes=codes))

        return await self.change(
            occasion, person.id, Tag.ONE_TIME_CODES_ENROLLED, decide=enrolled_now
        )

    async def remove_codes(self, occasion: Occasion, person: str) -> Person:
        """Return the person with the id *person* without codes; raises `Unknown`."""

        def removed(stored: Person) -> Change:
            return Change(msgspec.structs.replace(stored, one_time_codes=None))

        return await self.change(occasion, person, Tag.ONE_TIME_CODES_REMOVED, decide=removed)

    async def link(self, occasion: Occasion, person: str, *, provider: str, subject: str) -> Person:
        """Return the person *person*, who is *subject* at *provider* from now on.

        Raises `Unknown`, and `Unfit` where somebody else is.
        """
        name = upstream_name(provider, subject)
        if await self._services.store.get(SignInName, occasion.issuer, name):
            raise Unfit("subject: is somebody here already")
        identity = UpstreamIdentity(provider=provider, subject=subject, linked_at=occasion.now)

        def linked(stored: Person) -> Change:
            lead = SignInName(issuer=stored.issuer, name=name, person=stored.id)
            after = msgspec.structs.replace(stored, identities=(*stored.identities, identity))
            return Change(after, {"provider": provider}, (Put(lead),))

        return await self.change(occasion, person, Tag.IDENTITY_LINKED, decide=linked)

    async def unlink(self, occasion: Occasion, person: str, provider: str) -> Person:
        """Return the person *person* without who they are at *provider*; raises `Unknown`."""

        def unlinked(stored: Person) -> Change:
            kept = tuple(each for each in stored.identities if each.provider != provider)
            if kept == stored.identities:
                raise Unknown("identity")
            gone = tuple(
                Delete(SignInName.kind, stored.issuer, upstream_name(provider, each.subject))
                for each in stored.identities
                if each.provider == provider
            )
            after = msgspec.structs.replace(stored, identities=kept)
            return Change(after, {"provider": provider}, deletions=gone)

        return await self.change(occasion, person, Tag.IDENTITY_UNLINKED, decide=unlinked)

    async def change(
        self, occasion: Occasion, person: str, tag: Tag, *, decide: Callable[[Person], Change]
    ) -> Person:
        """Store what *decide* makes of the person with the id *person*; raises `Unknown`."""
        for _ in range(ATTEMPTS):
            stored = await self._services.store.get(Person, occasion.issuer, person)
            if stored is None:
                raise Unknown("person")
            change = decide(stored)
            after = msgspec.structs.replace(
                change.person, revision=stored.revision + 1, updated_at=occasion.now
            )
            event = an_event(
                occasion,
                tag,
                draw=self._services.draw(EVENT_DRAW_BYTES),
                detail={"person": person} | change.detail,
            )
            puts = (Put(after, expected=stored.revision), *change.puts)
            try:
                await self._services.store.commit(
                    Changes(puts=puts, deletions=change.deletions, events=(event,))
                )
            except Conflict:
                continue
            return after
        raise Conflict(Person.kind)
