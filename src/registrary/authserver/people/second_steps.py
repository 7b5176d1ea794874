"""Proofs besides a password: a code of an app, and a passkey."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.people.names import passkey_name
from registrary.authserver.people.one_time_codes import secret_of, step_of
from registrary.authserver.people.passkeys import (
    PasskeyRefused,
    credential_id,
    proved,
    user_handle,
)
from registrary.authserver.people.password_sign_in import REFUSED
from registrary.authserver.people.tickets import TICKET_LIFETIME, Ticket
from registrary.authserver.presented import Visit
from registrary.authserver.services import ServerServices
from registrary.core.changes import Put
from registrary.core.people import Passkey, Person, SignInName
from registrary.core.records import SpentAssertion
from registrary.ports.limiter import Rate

_CODES_PER_MINUTE: Final = 5
# Three codes of a million are good at any moment. Five guesses a minute, day and night, hit one in
# two months; fifty a day need luck in twenty years.
_CODES_PER_DAY: Final = Rate(50, timedelta(days=1))
_IN_DEVELOPMENT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Proved:
    """Somebody proved who they are, by *amr* (RFC 8176); *also* must be true from then on."""

    person: Person
    amr: tuple[str, ...]
    also: tuple[Put, ...] = ()


class SecondSteps:
    """Judges codes and passkeys; each is good once."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services

    def wait_for_code(self, context: ServerContext, ticket: Ticket) -> timedelta | None:
        """Count one code of whom *ticket* is about; return how long to wait if too many."""
        key = f"{context.id}:code-of:{ticket.person}"
        if context.issuer.dev:
            return self._services.wait_for(key, _IN_DEVELOPMENT)
        wait = self._services.wait_for(key, _CODES_PER_MINUTE)
        return wait or self._services.wait_within(f"{key}:day", _CODES_PER_DAY)

    async def by_code(
        self, context: ServerContext, ticket: Ticket, typed: str, *, visit: Visit
    ) -> Proved | None:
        """Return who proved a password as *ticket* says, if *typed* is a code of theirs now."""
        person = await self._services.store.get(Person, context.id, ticket.person or "")
        codes = None if person is None else person.one_time_codes
        if person is None or codes is None or not _is_as(person, ticket):
            return None
        secret = secret_of(self._services, person, codes)
        now = self._services.clock.now()
        step = step_of(secret, typed, now=now, after=codes.last_step)
        if step is None:
            self._services.count_refusal(context.id, visit.peer, REFUSED)
            return None
        spent = msgspec.structs.replace(
            person,
            one_time_codes=msgspec.structs.replace(codes, last_step=step),
            revision=person.revision + 1,
        )
        return Proved(spent, ("pwd", "otp", "mfa"), (Put(spent, expected=person.revision),))

    async def by_passkey(
        self, context: ServerContext, ticket: Ticket, answer: str, *, visit: Visit
    ) -> Proved | None:
        """Return whose passkey signed the challenge of *ticket* in *answer*, None if nobody's."""
        try:
            return await self._by_passkey(context, ticket, answer)
        except PasskeyRefused:
            self._services.count_refusal(context.id, visit.peer, REFUSED)
            return None

    async def _by_passkey(
        self, context: ServerContext, ticket: Ticket, answer: str
    ) -> Proved | None:
        person, passkey = await self._owner(context, credential_id(answer))
        if ticket.challenge is None or user_handle(answer) not in {None, person.id.encode()}:
            raise PasskeyRefused("the answer is to another question, or of another person")
        count, is_backed_up = proved(context.issuer, passkey, answer, challenge=ticket.challenge)
        now = self._services.clock.now()
        used = msgspec.structs.replace(passkey, sign_count=count, used_at=now)
        after = msgspec.structs.replace(
            person,
            passkeys=tuple(used if each is passkey else each for each in person.passkeys),
            revision=person.revision + 1,
        )
        spent = SpentAssertion(
            issuer=context.id,
            digest=sha256(b"passkey challenge\0" + ticket.challenge).hexdigest(),
            expires_at=now + TICKET_LIFETIME,
        )
        # One that is copied between devices is not the hardware it was made in (RFC 8176 §2).
        kind = "swk" if is_backed_up else "hwk"
        puts = (Put(after, expected=person.revision), Put(spent))
        return Proved(after, (kind, "user", "mfa"), puts)

    async def _owner(self, context: ServerContext, identifier: bytes) -> tuple[Person, Passkey]:
        store = self._services.store
        name = await store.get(SignInName, context.id, passkey_name(identifier))
        person = None if name is None else await store.get(Person, context.id, name.person)
        if person is None or person.disabled_at is not None:
            raise PasskeyRefused("nobody has this passkey")
        for passkey in person.passkeys:
            if passkey.id == identifier:
                return person, passkey
        raise PasskeyRefused("nobody has this passkey")


def _is_as(person: Person, ticket: Ticket) -> bool:
    """Tell whether *person* is still who proved their password."""
    return person.disabled_at is None and person.generation == ticket.generation
