"""What the use cases about people need from outside; commands have as much as the server."""

from typing import Final, Protocol

from registrary.authserver.presented import Visit
from registrary.core.entropy import Draw
from registrary.core.events import Actor, ActorKind
from registrary.policy.journal import Occasion
from registrary.ports.clock import Clock
from registrary.ports.keys import SecretKeys
from registrary.ports.store import Store

ATTEMPTS: Final = 5  # decisions before a lost race is told to the caller


class PeopleServices(Protocol):
    """The adapters that records about people are read and written with."""

    @property
    def store(self) -> Store:
        """Return where records are kept."""
        ...

    @property
    def clock(self) -> Clock:
        """Return what tells the time."""
        ...

    @property
    def secret_keys(self) -> SecretKeys:
        """Return the keys that guard stored secrets."""
        ...

    def draw(self, count: int) -> Draw:
        """Return *count* fresh random bytes to spend in one decision."""
        ...


def by_person(services: PeopleServices, issuer: str, person: str, *, visit: Visit) -> Occasion:
    """Return that *person* acts now, for the events of what they do."""
    actor = Actor(ActorKind.PERSON, person, visit.peer or None)
    return Occasion(issuer, services.clock.now(), actor, visit.request_id or None)
