"""What a request comes to, before anybody decides about it."""

import msgspec

from registrary.core.errors import Problem
from registrary.core.metadata import Metadata
from registrary.policy.consistency.rule import Rule
from registrary.policy.consistency.sector import sector_need


class Resolved(msgspec.Struct, frozen=True):
    """The resulting client: its *metadata*, where values came from, and what is wrong with it.

    *provenance* has no entry for what the client sent. *problems* stand in deciding order; while
    there are any, *metadata* is not to be stored. *pending_scope* was asked for and needs
    approval. *dropped* was sent and means nothing for such a client.

    *rules* are those the issuer's offer brings, *asked* those of them that could be judged, and
    *broken* tells which of them each problem comes from.
    """

    metadata: Metadata
    provenance: dict[str, str]
    problems: tuple[Problem, ...]
    pending_scope: str | None
    dropped: tuple[str, ...]
    rules: tuple[Rule, ...]
    asked: tuple[Rule, ...]
    broken: tuple[tuple[Rule, Problem], ...]

    @property
    def sector_need(self) -> str | None:
        """Return the sector document that must be read before the client can be accepted."""
        return sector_need(self.metadata)

    @property
    def narrowed(self) -> tuple[str, ...]:
        """Return the members of which less was granted than asked for."""
        return tuple(name for name, source in self.provenance.items() if source == "narrowed")
