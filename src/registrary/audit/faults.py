"""What is wrong with a log or an export of it, and where."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The ways in which a log can fail to be what it says."""

    MALFORMED = "malformed"  # not of the format
    ORDER = "order"  # a gap, a repetition, a line where none may stand
    TRUNCATED = "truncated"  # something at the end is missing
    LEAF = "leaf"  # an event is not the one that was hashed
    MEMBER = "member"  # a column or line says something else than the event itself
    SIGNATURE = "signature"  # a checkpoint is not signed by a known key for this log
    ROOT = "root"  # the events are not those a checkpoint was signed over
    PROOF = "proof"  # an inclusion or consistency proof does not hold
    PREVIOUS = "previous"  # the log does not continue a checkpoint seen earlier
    TILE = "tile"  # a stored tile is missing or differs from the events
    SIZE = "size"  # the log says another size than it has
    STORE = "store"  # the tables of the log cannot be relied on
    WAITING = "waiting"  # an event got no index, or no checkpoint, in time


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. *sentence* says it to people, and names no person's data.

    *line* counts lines of an export from 1; *index* and *event_id* name the event; *size* is
    that of the checkpoint or tree concerned.
    """

    kind: FaultKind
    sentence: str
    line: int | None = None
    index: int | None = None
    event_id: str | None = None
    size: int | None = None

    def __str__(self) -> str:
        places = [
            f"line {self.line}" if self.line is not None else "",
            f"index {self.index}" if self.index is not None else "",
            f"event {self.event_id}" if self.event_id is not None else "",
        ]
        where = ", ".join(filter(None, places))
        return f"{where}: {self.sentence}" if where else self.sentence


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found.

    *size* and *root* are of the newest checkpoint that holds (zero leaves if none does).
    *events* were read, of which *erased* have only their leaf left; *checkpoints* hold. The
    log is sound if *faults* is empty. *own_keys* are those of an export, as vkeys, where the
    reader gave none: then it is only shown to agree with itself.
    """

    size: int
    root: bytes
    faults: tuple[Fault, ...]
    events: int
    erased: int
    checkpoints: int
    own_keys: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.faults
