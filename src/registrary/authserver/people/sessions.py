"""Sessions: a person signed in with one browser, until they leave or are gone too long."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.farewell import farewell, farewell_to_all
from registrary.authserver.people.services import ATTEMPTS, PeopleServices, by_person
from registrary.authserver.presented import Visit
from registrary.core.changes import Changes, Delete, Put, Record, Unchanged
from registrary.core.events import Event, Tag
from registrary.core.ids import new_id
from registrary.core.people import Person, Session, SessionOfPerson
from registrary.core.secrets import (
    TOKEN_DRAW_BYTES,
    Digest,
    Prefix,
    Secret,
    mint_token,
    parse_token,
)
from registrary.policy.journal import EVENT_DRAW_BYTES, an_event
from registrary.policy.security_events import EventType, Initiator
from registrary.ports.store import Conflict, below

SEEN_EVERY: Final = timedelta(minutes=1)  # a session is not written more often for being used
CLIENTS_LIMIT: Final = 200  # of one session that are told of its end
_DRAW_BYTES: Final = 20 + 2 * TOKEN_DRAW_BYTES + EVENT_DRAW_BYTES


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in, and by which session."""

    person: Person
    session: Session


class Sessions:
    """Begins, knows and ends the sessions of an issuer; the beginnings and ends with an event."""

    def __init__(self, services: PeopleServices) -> None:
        self._services = services

    async def current(self, context: ServerContext, token: str | None) -> SignedIn | None:
        """Return whose session *token* is, None unless it is good now; it counts as seen."""
        session = await self._found(context, token)
        if session is None:
            return None
        person = await self._services.store.get(Person, context.id, session.person)
        if person is None or not _may_go_on(person, session):
            return None
        return SignedIn(person, await self._seen(context, session))

    async def begin(
        self,
        context: ServerContext,
        person: Person,
        *,
        amr: tuple[str, ...],
        acr: str | None,
        visit: Visit,
        provider: str | None = None,
        auth_time: datetime | None = None,
        replaces: Session | None = None,
        also: tuple[Put, ...] = (),
    ) -> tuple[SignedIn, Secret]:
        """Return a new session of *person* and its token; *replaces* ends with it.

        A person who proves themselves again stays in the session that clients know, with another
        token. *auth_time* is when they proved themselves elsewhere, None for now. *also* is
        written in the same moment, such as a code that is spent; raises `Conflict` when it was
        written before.
        """
        if replaces is not None and replaces.person != person.id:
            await self.end(context, replaces, visit=visit)
        session, token = self._made(context, person)
        proved_at = min(auth_time or session.auth_time, session.auth_time)
        session = msgspec.structs.replace(
            session, amr=amr, acr=acr, provider=provider, auth_time=proved_at
        )
        ended: tuple[Delete, ...] = ()
        if replaces is not None:
            ended = _deletions(replaces)
            if replaces.person == person.id:
                session = msgspec.structs.replace(
                    session, session_id=replaces.session_id, clients=replaces.clients
                )
        how: dict[str, object] = {"amr": list(amr)}
        if provider is not None:
            how["provider"] = provider
        event = self._event(session, Tag.PERSON_SIGNED_IN, how, visit=visit)
        puts = (Put(session), Put(_index(session)), *also)
        await self._services.store.commit(Changes(puts=puts, deletions=ended, events=(event,)))
        return SignedIn(person, session), token

    async def end(self, context: ServerContext, session: Session, *, visit: Visit) -> None:
        """End *session*, and tell those who want to know; one that ended before stays ended."""
        for _ in range(ATTEMPTS):
            stored = await self._services.store.get(Session, context.id, session.id)
            if stored is None:
                return
            event = self._event(stored, Tag.PERSON_SIGNED_OUT, {}, visit=visit)
            occasion = by_person(self._services, context.id, stored.person, visit=visit)
            also = await farewell(self._services, context, stored, occasion=occasion)
            try:
                await self._services.store.commit(
                    Changes(
                        puts=also.puts,
                        deletions=_deletions(stored),
                        unchanged=(
                            Unchanged(Session.kind, context.id, stored.key, stored.revision),
                        ),
                        consumptions=also.consumptions,
                        events=(event, *also.events),
                    )
                )
            except Conflict:
                continue
            return
        raise Conflict("session")

    async def end_all(self, context: ServerContext, person: Person, *, visit: Visit) -> Person:
        """End every session and grant of *person* at once; return them as they are then."""
        for _ in range(ATTEMPTS):
            stored = await self._services.store.get(Person, context.id, person.id) or person
            now = self._services.clock.now()
            after = msgspec.structs.replace(
                stored,
                generation=stored.generation + 1,
                revision=stored.revision + 1,
                updated_at=now,
            )
            event = an_event(
                by_person(self._services, context.id, person.id, visit=visit),
                Tag.PERSON_SIGNED_OUT_EVERYWHERE,
                draw=self._services.draw(EVENT_DRAW_BYTES),
                detail={"person": person.id},
            )
            ending = await self.ending_all(context, stored, initiator=Initiator.USER)
            try:
                await self._services.store.commit(
                    Changes(
                        puts=(Put(after, expected=stored.revision), *ending.puts),
                        deletions=ending.deletions,
                        consumptions=ending.consumptions,
                        events=(event,),
                    )
                )
            except Conflict:
                continue
            return after
        raise Conflict("person")

    async def ending_all(
        self,
        context: ServerContext,
        person: Person,
        *,
        initiator: Initiator,
        events: Sequence[EventType] = (EventType.SESSION_REVOKED,),
    ) -> Changes:
        """Return what ends every session of *person*, for who raises their generation.

        Puts, deletions and consumptions, all of them for the same commit. Subscribers to
        security events are told *events*.
        """
        sessions = await self.of_person(context.id, person.id)
        deletions = tuple(gone for session in sessions for gone in _deletions(session))
        told = await farewell_to_all(
            self._services,
            context,
            person,
            sessions=sessions,
            events=events,
            initiator=initiator,
        )
        return msgspec.structs.replace(told, deletions=deletions)

    async def of_person(self, issuer: str, person: str) -> Sequence[Session]:
        """Return the sessions of *person* that have not expired, oldest first."""
        now = self._services.clock.now()
        found = []
        async for index in _indexes(self._services, issuer, person):
            session = await self._services.store.get(Session, issuer, index.session)
            if session is not None and now < session.expires_at:
                found.append(session)
        return found

    async def note_client(
        self, context: ServerContext, session: Session, client_id: str
    ) -> Session:
        """Return *session* with *client_id* among those that are told when it ends."""
        for _ in range(ATTEMPTS):
            if client_id in session.clients or len(session.clients) >= CLIENTS_LIMIT:
                return session
            noted = msgspec.structs.replace(
                session, clients=(*session.clients, client_id), revision=session.revision + 1
            )
            try:
                put = Put(noted, expected=session.revision)
                await self._services.store.commit(Changes(puts=(put,)))
            except Conflict:
                stored = await self._services.store.get(Session, context.id, session.id)
                if stored is None:
                    return session  # it ended meanwhile
                session = stored
                continue
            return noted
        raise Conflict("session")

    async def _found(self, context: ServerContext, token: str | None) -> Session | None:
        """Return the session *token* is of, if it has not ended; nothing is said of its person."""
        parsed = parse_token(token, Prefix.SESSION) if token else None
        if parsed is None or parsed.locator is None:
            return None
        session = await self._services.store.get(Session, context.id, parsed.locator.hex())
        if session is None or session.expires_at <= self._services.clock.now():
            return None
        digest = Digest(session.pepper_id, session.mac)
        peppers = self._services.secret_keys.peppers()
        is_good = peppers.verify(parsed.token, digest, purpose=Prefix.SESSION)
        return session if is_good else None

    async def _seen(self, context: ServerContext, session: Session) -> Session:
        """Return *session* as seen now; its idle end moves on, its absolute end does not."""
        now = self._services.clock.now()
        if now - session.seen_at < SEEN_EVERY:
            return session
        idle_end = now + context.issuer.lifetimes.session_idle
        seen = msgspec.structs.replace(
            session,
            seen_at=now,
            expires_at=min(idle_end, session.ends_at),
            revision=session.revision + 1,
        )
        try:
            put = Put(seen, expected=session.revision)
            await self._services.store.commit(Changes(puts=(put,)))
        except Conflict:
            return session  # another request of the same moment wrote it
        return seen

    def _made(self, context: ServerContext, person: Person) -> tuple[Session, Secret]:
        now, draw = self._services.clock.now(), self._services.draw(_DRAW_BYTES)
        lifetimes = context.issuer.lifetimes
        identifier = new_id(now, draw)
        token = mint_token(Prefix.SESSION, draw, bytes.fromhex(identifier))
        digest = self._services.secret_keys.peppers().digest(token, purpose=Prefix.SESSION)
        ends_at = now + lifetimes.session
        session = Session(
            issuer=context.id,
            id=identifier,
            pepper_id=digest.key_id,
            mac=digest.mac,
            person=person.id,
            person_generation=person.generation,
            session_id=new_id(now, draw),
            auth_time=now,
            created_at=now,
            seen_at=now,
            ends_at=ends_at,
            expires_at=min(now + lifetimes.session_idle, ends_at),
        )
        return session, token

    def _event(
        self, session: Session, tag: Tag, detail: dict[str, object], *, visit: Visit
    ) -> Event:
        return an_event(
            by_person(self._services, session.issuer, session.person, visit=visit),
            tag,
            draw=self._services.draw(EVENT_DRAW_BYTES),
            detail={"session": session.session_id, **detail},
        )


def _may_go_on(person: Person, session: Session) -> bool:
    return person.disabled_at is None and person.generation == session.person_generation


def _index(session: Session) -> SessionOfPerson:
    return SessionOfPerson(
        issuer=session.issuer,
        person=session.person,
        session=session.id,
        expires_at=session.ends_at,
    )


def _deletions(session: Session) -> tuple[Delete, ...]:
    records: tuple[Record, ...] = (session, _index(session))
    return tuple(Delete(record.kind, record.issuer, record.key) for record in records)


def _indexes(services: PeopleServices, issuer: str, person: str) -> AsyncIterator[SessionOfPerson]:
    """Yield what leads to the sessions of *person*."""
    return below(services.store, SessionOfPerson, issuer, prefix=f"{person}:")
