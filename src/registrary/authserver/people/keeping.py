"""The people of an issuer, as administrators make them known, change and lock them out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.claims import STANDARD_CLAIMS
from registrary.authserver.people.farewell import messages_to_streams
from registrary.authserver.people.identities import CLAIMS_BYTES
from registrary.authserver.people.names import NAME_LIMIT, folded, local_name
from registrary.authserver.people.newcomers import NEWCOMER_DRAW_BYTES, newcomer
from registrary.authserver.people.passwords import LONGEST, SHORTEST, hashed, is_acceptable
from registrary.authserver.people.refusals import Outdated, Unfit, Unknown
from registrary.authserver.people.services import ATTEMPTS, PeopleServices
from registrary.authserver.people.sessions import Sessions
from registrary.core.changes import Changes, Delete, Put
from registrary.core.events import Actor, Tag
from registrary.core.people import Person, SignInName
from registrary.core.secrets import Secret
from registrary.policy.journal import EVENT_DRAW_BYTES, Occasion, an_event
from registrary.policy.security_events import (
    EventType,
    Initiator,
    SecurityEvent,
    person_subject,
)
from registrary.ports.store import Conflict


@dataclass(frozen=True, slots=True)
class PersonWish:
    """What of a person shall become so; None leaves a side as it is.

    Of *claims* those that are None are removed.
    """

    username: str | None = None
    claims: Mapping[str, Any] | None = None  # Any: claims are JSON values of every kind


class PeopleKeeper:
    """Makes people known and changes them, always with an event."""

    def __init__(self, services: PeopleServices) -> None:
        self._services = services
        self._sessions = Sessions(services)

    async def create(
        self, context: ServerContext, wish: PersonWish, password: Secret | None, *, actor: Actor
    ) -> Person:
        """Return a new person with a user name; without *password* somebody sets one later.

        Raises `Unfit`, also for a user name that is somebody's.
        """
        if wish.username is None:
            raise Unfit("username: is needed")
        _check_username(wish.username)
        person, changes = newcomer(
            Occasion(context.id, self._services.clock.now(), actor),
            draw=self._services.draw(NEWCOMER_DRAW_BYTES),
            username=wish.username,
            claims=_merged({}, wish.claims or {}),
            password=None if password is None else await _kept(password),
        )
        try:
            await self._services.store.commit(changes)
        except Conflict as error:
            raise Unfit("username: is that of somebody else") from error
        return person

    async def change(
        self,
        context: ServerContext,
        identifier: str,
        wish: PersonWish,
        *,
        actor: Actor,
        expected: int | None = None,
    ) -> Person:
        """Change what *wish* names, if the person is at the revision *expected* (None: any).

        Raises `Unknown`, `Unfit` and `Outdated`.
        """
        if wish.username is not None:
            _check_username(wish.username)
            await self._check_free(context, wish.username, of=identifier)

        def changed(stored: Person) -> _Change:
            if expected is not None and stored.revision != expected:
                raise Outdated
            return _applied(stored, wish)

        if wish == PersonWish():
            stored = await self.find(context, identifier)
            return changed(stored).person

        about = _Act(Occasion(context.id, self._services.clock.now(), actor), Tag.PERSON_UPDATED)
        return await self._change(context, identifier, about, decide=changed)

    async def set_password(
        self, context: ServerContext, identifier: str, password: Secret, *, actor: Actor
    ) -> Person:
        """Give a person another password; whoever is signed in as them is so no longer.

        Raises `Unknown` and `Unfit`.
        """
        kept = await _kept(password)

        def changed(stored: Person) -> _Change:
            if stored.username is None:
                raise Unfit("username: is needed beside a password")
            return _Change(msgspec.structs.replace(stored, password=kept))

        about = _Act(
            Occasion(context.id, self._services.clock.now(), actor),
            Tag.PASSWORD_SET,
            ends=(EventType.SESSION_REVOKED,),
        )
        return await self._change(context, identifier, about, decide=changed)

    async def disable(self, context: ServerContext, identifier: str, *, actor: Actor) -> Person:
        """Lock a person out: every session and grant of theirs ends now. Raises `Unknown`."""
        now = self._services.clock.now()

        def changed(stored: Person) -> _Change:
            disabled_at = stored.disabled_at or now
            return _Change(msgspec.structs.replace(stored, disabled_at=disabled_at))

        about = _Act(
            Occasion(context.id, now, actor),
            Tag.PERSON_DISABLED,
            ends=(EventType.ACCOUNT_DISABLED, EventType.SESSION_REVOKED),
        )
        return await self._change(context, identifier, about, decide=changed)

    async def enable(self, context: ServerContext, identifier: str, *, actor: Actor) -> Person:
        """Let a person in again; what ended stays ended. Raises `Unknown`."""
        subject = person_subject(context.issuer, identifier)
        told = SecurityEvent(EventType.ACCOUNT_ENABLED, subject, Initiator.ADMIN)
        puts = await messages_to_streams(self._services, context, told)

        def changed(stored: Person) -> _Change:
            return _Change(msgspec.structs.replace(stored, disabled_at=None), puts)

        now = self._services.clock.now()
        about = _Act(Occasion(context.id, now, actor), Tag.PERSON_ENABLED)
        return await self._change(context, identifier, about, decide=changed)

    async def sign_out(self, context: ServerContext, identifier: str, *, actor: Actor) -> Person:
        """End every session and grant of a person; they may sign in again. Raises `Unknown`."""
        about = _Act(
            Occasion(context.id, self._services.clock.now(), actor),
            Tag.PERSON_SIGNED_OUT_EVERYWHERE,
            ends=(EventType.SESSION_REVOKED,),
        )
        return await self._change(context, identifier, about, decide=_Change)

    async def find(self, context: ServerContext, named: str) -> Person:
        """Return who has the id or the user name *named*; raises `Unknown`."""
        store = self._services.store
        name = await store.get(SignInName, context.id, local_name(named))
        identifier = named if name is None else name.person
        person = await store.get(Person, context.id, identifier)
        if person is None:
            raise Unknown("person")
        return person

    async def _check_free(self, context: ServerContext, username: str, *, of: str) -> None:
        name = await self._services.store.get(SignInName, context.id, local_name(username))
        if name is not None and name.person != of:
            raise Unfit("username: is that of somebody else")

    async def _change(
        self,
        context: ServerContext,
        identifier: str,
        act: "_Act",
        *,
        decide: Callable[[Person], "_Change"],
    ) -> Person:
        for _ in range(ATTEMPTS):
            stored = await self._services.store.get(Person, context.id, identifier)
            if stored is None:
                raise Unknown("person")
            change = decide(stored)
            after = msgspec.structs.replace(
                change.person,
                revision=stored.revision + 1,
                generation=stored.generation + bool(act.ends),
                updated_at=act.occasion.now,
            )
            ending = Changes()
            if act.ends:
                ending = await self._sessions.ending_all(
                    context, stored, initiator=Initiator.ADMIN, events=act.ends
                )
            event = an_event(
                act.occasion,
                act.tag,
                draw=self._services.draw(EVENT_DRAW_BYTES),
                detail={"person": identifier, **_names_changed(stored, after)},
            )
            whole = msgspec.structs.replace(
                ending,
                puts=(Put(after, expected=stored.revision), *change.puts, *ending.puts),
                deletions=(*change.deletions, *ending.deletions),
                events=(event,),
            )
            try:
                await self._services.store.commit(whole)
            except Conflict:
                continue
            return after
        raise Conflict(Person.kind)


@dataclass(frozen=True, slots=True)
class _Act:
    """What is done and by whom; with *ends* sessions and grants end, and these are told."""

    occasion: Occasion
    tag: Tag
    ends: tuple[EventType, ...] = ()


@dataclass(frozen=True, slots=True)
class _Change:
    """A person as they shall be, and what goes with it."""

    person: Person
    puts: tuple[Put, ...] = ()
    deletions: tuple[Delete, ...] = ()


def _applied(stored: Person, wish: PersonWish) -> _Change:
    claims = stored.claims if wish.claims is None else _merged(stored.claims, wish.claims)
    username = stored.username if wish.username is None else wish.username.strip()
    after = msgspec.structs.replace(stored, claims=claims, username=username)
    before = None if stored.username is None else local_name(stored.username)
    name = None if username is None else local_name(username)
    if name is None or name == before:
        return _Change(after)
    gone = () if before is None else (Delete(SignInName.kind, stored.issuer, before),)
    lead = SignInName(issuer=stored.issuer, name=name, person=stored.id)
    return _Change(after, (Put(lead),), gone)


def _merged(
    before: Mapping[str, Any],
    wanted: Mapping[str, Any],  # Any: claims are JSON values of every kind
) -> dict[str, Any]:
    """Return *before* with the claims of *wanted*; raises `Unfit`."""
    for name, value in wanted.items():
        _check_claim(name, value)
    claims = {name: value for name, value in {**before, **wanted}.items() if value is not None}
    if len(msgspec.json.encode(claims)) > CLAIMS_BYTES:
        raise Unfit(f"claims: must not have more than {CLAIMS_BYTES} bytes")
    return claims


def _check_claim(name: str, value: object) -> None:
    plain = name.partition("#")[0]
    if plain not in STANDARD_CLAIMS or plain == "updated_at":
        raise Unfit("claims: must be standard claims of OpenID Connect")
    kind = {"address": dict, "email_verified": bool, "phone_number_verified": bool}
    if value is not None and not isinstance(value, kind.get(plain, str)):
        raise Unfit(f"claims: {plain}: is of another type")


def _names_changed(before: Person, after: Person) -> dict[str, object]:
    """Return which claims differ, for an event: their values are the person's own."""
    names = before.claims.keys() | after.claims.keys()
    changed = sorted(name for name in names if before.claims.get(name) != after.claims.get(name))
    return {"claims": changed} if changed else {}


def _check_username(username: str) -> None:
    if not (folded(username) and len(username) <= NAME_LIMIT and username.isprintable()):
        raise Unfit(f"username: must have 1 to {NAME_LIMIT} printable characters")


async def _kept(password: Secret) -> str:
    if not is_acceptable(password):
        raise Unfit(f"password: must have {SHORTEST} to {LONGEST} characters")
    return await hashed(password)
