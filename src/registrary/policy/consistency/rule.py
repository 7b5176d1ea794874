"""What a rule between members is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from registrary.core.errors import Problem
from registrary.core.metadata import Feature
from registrary.policy.consistency.resulting import Resulting

Problems = Sequence[Problem]
Judge = Callable[[Resulting], Problems]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule between members, from the *section* of the specification it comes from.

    *judge* returns what of the resulting client breaks it. *reads* are the members it looks at:
    when one of them was sent and could not be parsed, the rule is not asked, lest it complains
    of what the client did send. *features* are those without any of which it has nothing to
    judge; empty for a rule that always applies.
    """

    name: str
    section: str
    judge: Judge
    reads: frozenset[str]
    features: frozenset[Feature]


def rule(
    section: str, *, reads: Sequence[str], features: Sequence[Feature] = ()
) -> Callable[[Judge], Rule]:
    """Make a rule of a function, whose name becomes the rule's."""

    def make(judge: Judge) -> Rule:
        name = judge.__name__.replace("_", " ")
        return Rule(name, section, judge, frozenset(reads), frozenset(features))

    return make
