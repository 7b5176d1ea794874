"""A ledger of what callers asked and were told, and whether a store agrees with it.

`Load` (load.py beside) writes it, `examine` (verdict.py beside) holds it against the server::

    ledger = Ledger()
    with load_on([node.url, other.url], ledger):
        ...  # whatever may happen to servers
    assert [] == findings_on(node, ledger)

An answer is an acknowledgement, a refusal that says when to come again, or a finding. A request
whose connection went away is neither: what it asked for may be there, whole, or not at all.
"""

import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Final

HANGING_SECONDS: Final = 30.0  # no deadline of a server is near it, however busy the machine


class Outcome(Enum):
    """What a caller knows of a request of his."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"  # 503; the server could not tell, or could not do it
    LOST = "lost"  # the connection ended before an answer
    UNREACHED = "unreached"  # there was no connection, so nothing was asked
    DENIED = "denied"  # an answer that the state of the store explains, as for a token used before
    WRONG = "wrong"  # anything else


UNKNOWN: Final = {Outcome.REFUSED, Outcome.LOST}
WRITES: Final = {"register", "update", "delete", "redeem", "offer"}


@dataclass(slots=True)
class Registered:
    """A client whose registration was acknowledged, and what happened to it since.

    *names* are those it may have: the last that was acknowledged, and of later updates of which
    nothing is known. *updates* counts the acknowledged, *open_updates* the others.
    """

    client_id: str
    secret: str
    token: str
    method: str  # token_endpoint_auth_method
    names: list[str]
    updates: int = 0
    open_updates: int = 0
    deletion: Outcome | None = None

    def updated(self, name: str, outcome: Outcome) -> None:
        """Note an update to *name*."""
        if outcome is Outcome.ACKNOWLEDGED:
            self.names, self.updates = [name], self.updates + 1
        elif outcome in UNKNOWN:
            self.names.append(name)
            self.open_updates += 1

    def deleted(self, outcome: Outcome) -> None:
        """Note a deletion; nobody asks anything of this client afterwards."""
        if outcome is Outcome.ACKNOWLEDGED or outcome in UNKNOWN:
            self.deletion = outcome


@dataclass(slots=True)
class Offered:
    """An initial access token for one use, and how each try to use it ended."""

    token_id: str
    tries: list[Outcome] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outage:
    """A while in which no write was acknowledged; *start* is on the monotonic clock."""

    start: float
    seconds: float


class Ledger:
    """What one load asked for and was told. Safe to be written by many threads.

    Names of its clients start with *run*, so one store can be asked about several ledgers.
    """

    def __init__(self) -> None:
        self.run = f"load-{secrets.token_hex(4)}"
        self.issuer = ""  # once somebody had to know
        self.clients: list[Registered] = []
        self.offers: list[Offered] = []
        self.counts: Counter[tuple[str, Outcome]] = Counter()
        self.findings: list[str] = []  # answers that no fault excuses
        self.slowest: float = 0.0  # seconds that the slowest answer took
        self.open_names: set[str] = set()  # of registrations without acknowledgement
        self.recent: list[Outcome] = []  # outcomes of writes in order of arrival
        self.writes_at: list[float] = [time.monotonic()]  # when each was acknowledged
        self._lock = threading.Lock()
        self._numbers = 0

    def next_name(self) -> str:
        """Return a name nobody had before."""
        with self._lock:
            self._numbers += 1
            return f"{self.run}-{self._numbers}"

    def note(self, operation: str, outcome: Outcome, *, seconds: float, why: str = "") -> None:
        """Count an answer to *operation*; *why* explains one that is wrong."""
        with self._lock:
            self.counts[operation, outcome] += 1
            if outcome is Outcome.WRONG:
                self.findings.append(f"{operation}: {why}")
            if outcome not in {Outcome.LOST, Outcome.UNREACHED}:
                self.slowest = max(self.slowest, seconds)
            if operation in WRITES:
                self.recent.append(outcome)
                if outcome is Outcome.ACKNOWLEDGED:
                    self.writes_at.append(time.monotonic())

    def finding(self, text: str) -> None:
        """Note an answer that no fault excuses."""
        with self._lock:
            self.findings.append(text)

    def add(self, client: Registered) -> None:
        """Note an acknowledged registration."""
        with self._lock:
            self.clients.append(client)

    def doubt(self, name: str) -> None:
        """Note a registration under *name* of which nothing is known."""
        with self._lock:
            self.open_names.add(name)

    def offer(self, offered: Offered) -> None:
        """Note a single-use token."""
        with self._lock:
            self.offers.append(offered)

    def total(self, outcome: Outcome) -> int:
        """Return how many requests ended with *outcome*."""
        with self._lock:
            return sum(count for (_, kind), count in self.counts.items() if kind is outcome)

    @property
    def sent(self) -> int:
        """Return how many requests were sent."""
        with self._lock:
            return sum(self.counts.values())

    @property
    def acknowledged_writes(self) -> int:
        """Return how many writes were acknowledged."""
        return len(self.writes_at) - 1

    def outages(self, longer_than: float = 0.0) -> list[Outage]:
        """Return the pauses between acknowledged writes in order, the one that lasts included."""
        moments = [*self.writes_at, time.monotonic()]
        pauses = pairwise(moments)
        return [Outage(a, b - a) for a, b in pauses if b - a > longer_than]
