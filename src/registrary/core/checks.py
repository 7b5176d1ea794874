"""What was checked about a request, for those who ask why it was accepted or refused."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What came of a check."""

    PASSED = "passed"
    NARROWED = "narrowed"
    FAILED = "failed"
    WARNED = "warned"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One rule applied to a request: its *name*, the *section* it comes from, what came of it."""

    name: str
    section: str
    outcome: Outcome
    detail: str = ""
