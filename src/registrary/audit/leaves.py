"""What can be wrong with a single event of the log."""

from registrary.audit.export import ExportError, Said, said_by
from registrary.audit.faults import FaultKind
from registrary.audit.record import SALT_BYTES, leaf_hash


class LeafError(ValueError):
    """An event is not what its leaf or its neighbours say; the text says in which way."""

    def __init__(self, kind: FaultKind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


def check_leaf(body: bytes, salt: bytes, leaf: bytes) -> Said:
    """Return what an event says of itself, if *body* with *salt* hashes to *leaf*.

    Raises `LeafError` otherwise.
    """
    if len(salt) != SALT_BYTES:
        raise LeafError(FaultKind.LEAF, f"the salt does not have {SALT_BYTES} bytes")
    if leaf_hash(salt, body) != leaf:
        raise LeafError(FaultKind.LEAF, "the event does not hash to its leaf: it was changed")
    try:
        return said_by(body)
    except ExportError as error:
        raise LeafError(FaultKind.MALFORMED, str(error)) from error
