"""Who leads the nodes of one database: whoever holds a lock in it."""

from collections.abc import Callable
from typing import Final

from registrary.storage.postgres.node.cache import steady_seconds

LOCK: Final = (0x72656769, 1)  # "regi": the lock of the leader, of this database alone
TRUST_SECONDS: Final = 5.0  # after the database was last heard, in which the lock is taken for ours
ALONE_SECONDS: Final = 15.0  # without a connection of its own, after which a node helps itself


class LockLeadership:
    """A `Leadership` by a lock that lasts as long as the connection that took it.

    A node that cannot have such a connection does not know of a leader. It leads after a
    while: work done twice is better than a log that nobody keeps.
    """

    def __init__(self, *, clock: Callable[[], float] = steady_seconds) -> None:
        self._clock = clock
        self._heard_at = clock()
        self.holds_lock = False

    def leads(self) -> bool:
        """Tell whether this process leads now."""
        silence = self._clock() - self._heard_at
        return silence < TRUST_SECONDS if self.holds_lock else silence > ALONE_SECONDS

    def hear(self, *, holds_lock: bool) -> None:
        """Note that the database answered, and whether the lock is ours."""
        self._heard_at = self._clock()
        self.holds_lock = holds_lock

    def lose(self) -> None:
        """Note that the connection is gone, and the lock with it."""
        self.holds_lock = False
