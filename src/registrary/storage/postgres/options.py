"""What an operator may choose about the way to the database."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresOptions:
    """How many connections a process keeps, what they pass through, and when it gives up.

    *pooled* says that a pooler stands in between which gives every transaction another
    connection; then nothing is prepared and nothing kept on one. *direct* is a URL that goes
    around it. The seconds are counted from the call, waiting for a connection included.
    """

    connections: int = 8
    pooled: bool = False
    direct: str | None = field(default=None, repr=False)  # it may hold a password
    read_seconds: float = 5.0
    commit_seconds: float = 5.0
    connect_seconds: float = 5.0
