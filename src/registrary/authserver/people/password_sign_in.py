"""Signing in with a user name and a password."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from registrary.authserver.context import ServerContext
from registrary.authserver.people.names import NAME_LIMIT, folded, local_name
from registrary.authserver.people.passwords import fits
from registrary.authserver.presented import Visit
from registrary.authserver.services import ServerServices
from registrary.core.addresses import source_key
from registrary.core.people import Person, SignInName
from registrary.core.secrets import Secret

REFUSED: Final = "invalid_credentials"
_PER_NAME: Final = 20  # attempts a minute
_PER_SOURCE: Final = 60
_IN_DEVELOPMENT: Final = 10_000  # nobody is kept waiting while trying


@dataclass(frozen=True, slots=True)
class TooMany:
    """There were too many attempts; the next may be made after *wait*."""

    wait: timedelta


class PasswordSignIn:
    """Proves people by their passwords; whatever was wrong, the answer is the same."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services

    async def prove(
        self, context: ServerContext, username: str, password: Secret, *, visit: Visit
    ) -> Person | TooMany | None:
        """Return who *username* is if *password* is theirs, None for any other reason."""
        wait = self.wait_for(context, username, visit=visit)
        if wait is not None:
            return TooMany(wait)
        person = await self.find(context, username)
        # Compared before anything is said of the person, so that all refusals take equal time.
        is_proved = await fits(password, person.password if person else None)
        if person is None or not is_proved or person.disabled_at is not None:
            self._services.count_refusal(context.id, visit.peer, REFUSED)
            return None
        return person

    def wait_for(self, context: ServerContext, about: str, *, visit: Visit) -> timedelta | None:
        """Count one attempt *about* somebody; return how long to wait if there were too many."""
        name = sha256(folded(about).encode("utf-8", "surrogatepass")).hexdigest()
        per_minute = _IN_DEVELOPMENT if context.issuer.dev else _PER_NAME
        return self.wait_for_source(context, visit=visit) or self._services.wait_for(
            f"{context.id}:sign-in-as:{name}", per_minute
        )

    def wait_for_source(self, context: ServerContext, *, visit: Visit) -> timedelta | None:
        """Count one attempt from where *visit* came; return how long to wait if too many."""
        source = source_key(visit.peer) if visit.peer else ""
        per_minute = _IN_DEVELOPMENT if context.issuer.dev else _PER_SOURCE
        return self._services.wait_for(f"{context.id}:sign-in:{source}", per_minute)

    async def find(self, context: ServerContext, username: str) -> Person | None:
        """Return who has the user name *username*, or None."""
        if len(username) > NAME_LIMIT:
            return None
        store = self._services.store
        name = await store.get(SignInName, context.id, local_name(username))
        return None if name is None else await store.get(Person, context.id, name.person)
