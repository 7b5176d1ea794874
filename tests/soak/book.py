"""What a soak keeps beside the ledger of a load: grants, suspensions, and when answers came."""

import time
from collections import defaultdict
from dataclasses import dataclass, field

from tests.faults.ledger import UNKNOWN, Ledger, Outcome, Registered


@dataclass(slots=True)
class Tries:
    """How often something was acknowledged to one client, and how often nothing is known."""

    acknowledged: int = 0
    open: int = 0

    def note(self, outcome: Outcome) -> None:
        """Count one try."""
        if outcome is Outcome.ACKNOWLEDGED:
            self.acknowledged += 1
        elif outcome in UNKNOWN:
            self.open += 1

    def explain(self, found: int) -> bool:
        """Tell whether *found* traces are what callers were told of."""
        return self.acknowledged <= found <= self.acknowledged + self.open


@dataclass(slots=True)
class Granted:
    """What a person allowed a client, as far as the client knows.

    *is_open* says that a refresh of a rotating token got no answer: whoever comes back too late
    with the old one is taken for a thief.
    """

    client: Registered
    refresh_token: str
    access_token: str
    is_open: bool = False
    revocation: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """A client that an operator held: how long after the answer a node still served it.

    *seconds* is counted from the operator's answer to the sending of the last request that got a
    token; None when none did.
    """

    node: int
    seconds: float | None


@dataclass(slots=True)
class Held:
    """What an operator did to one client."""

    holds: Tries = field(default_factory=Tries)
    lifts: Tries = field(default_factory=Tries)


class Book(Ledger):
    """A ledger that knows of people and operators too. Safe to be written by many threads."""

    def __init__(self) -> None:
        super().__init__()
        self.began = time.monotonic()
        self.grants: list[Granted] = []
        self.codes: dict[str, Tries] = {}  # by client
        self.held: dict[str, Held] = {}  # by client
        self.stops: list[Stop] = []
        self.acknowledged_at: dict[str, list[float]] = defaultdict(list)  # by kind of request
        self.refused_at: list[float] = []

    def note(self, operation: str, outcome: Outcome, *, seconds: float, why: str = "") -> None:
        """Count an answer to *operation*, and remember when it came."""
        super().note(operation, outcome, seconds=seconds, why=why)
        now = time.monotonic()
        with self._lock:
            if outcome is Outcome.ACKNOWLEDGED:
                self.acknowledged_at[operation].append(now)
            elif outcome is Outcome.REFUSED:
                self.refused_at.append(now)

    def grant(self, granted: Granted) -> None:
        """Note what a client was granted."""
        with self._lock:
            self.grants.append(granted)

    def stop(self, stop: Stop) -> None:
        """Note how soon a node stopped serving a held client."""
        with self._lock:
            self.stops.append(stop)
