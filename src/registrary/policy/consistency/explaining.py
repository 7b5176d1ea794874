"""Every check that a request went through, for those who ask why (``?dry_run=true``)."""

from collections.abc import Iterable, Iterator
from typing import Final

from registrary.core.checks import Check, Outcome
from registrary.core.errors import Problem
from registrary.core.metadata import BY_NAME, base_name
from registrary.core.uris import https_host
from registrary.policy.consistency.resolved import Resolved

PAGES: Final = frozenset({"client_uri", "logo_uri", "tos_uri", "policy_uri"})
"""Members with addresses that people are shown."""


def explain(resolved: Resolved, problems: Iterable[Problem]) -> tuple[Check, ...]:
    """Return one check for each member that was judged and each rule that was applied.

    *problems* are all that were found, also those of parsing and of organisation rules.
    """
    of_rules = {id(problem) for _, problem in resolved.broken}
    of_members = [problem for problem in problems if id(problem) not in of_rules]
    return (
        *_member_checks(resolved, of_members),
        *(_rule_check(resolved, index) for index in range(len(resolved.rules))),
        *_page_checks(resolved),
    )


def _member_checks(resolved: Resolved, problems: list[Problem]) -> Iterator[Check]:
    failed = {problem.field for problem in problems}
    for problem in problems:
        yield Check(problem.field, problem.section, Outcome.FAILED, problem.rule)
    for name in resolved.metadata:
        if name not in failed:
            source = resolved.provenance.get(name, "client")
            outcome = Outcome.NARROWED if source == "narrowed" else Outcome.PASSED
            yield Check(name, _section(name), outcome, _DETAILS.get(source, ""))
    for name in resolved.dropped:
        yield Check(name, _section(name), Outcome.NOT_CHECKED, "means nothing here and is dropped")


_DETAILS: Final = {
    "default": "was not given and has its default",
    "inferred": "was not given and follows from other members",
    "narrowed": "has less than was asked for",
}


def _rule_check(resolved: Resolved, index: int) -> Check:
    rule = resolved.rules[index]
    if rule not in resolved.asked:
        detail = "a member it reads could not be understood"
        return Check(rule.name, rule.section, Outcome.NOT_CHECKED, detail)
    broken = [problem for asked, problem in resolved.broken if asked is rule]
    if not broken:
        return Check(rule.name, rule.section, Outcome.PASSED)
    detail = "; ".join(f"{problem.field}: {problem.rule}" for problem in broken)
    return Check(rule.name, broken[0].section, Outcome.FAILED, detail)


def _page_checks(resolved: Resolved) -> Iterator[Check]:
    name, section = "pages for people are on hosts of the client", "RFC 7591 §5"
    foreign = foreign_pages(resolved)
    if foreign:
        detail = f"{', '.join(foreign)}: on a host that no redirect URI has"
        yield Check(name, section, Outcome.WARNED, detail)
    else:
        yield Check(name, section, Outcome.PASSED)


def foreign_pages(resolved: Resolved) -> tuple[str, ...]:
    """Return the members that show people a page on a host no redirect URI has.

    A reason to look twice, not to refuse: the conformance suite registers such a page (A-126).
    """
    metadata = resolved.metadata
    hosts = {https_host(uri) for uri in metadata.get("redirect_uris") or ()} - {None}
    if not hosts:
        return ()  # nothing on the web to compare with
    return tuple(
        name
        for name, value in metadata.items()
        if (name in PAGES or ("#" in name and base_name(name) in PAGES))
        and https_host(value) not in hosts
    )


def noticed(resolved: Resolved) -> dict[str, list[str]]:
    """Return what an event says of a client that was let in and deserves a second look."""
    foreign = foreign_pages(resolved)
    return {"foreign_pages": list(foreign)} if foreign else {}


def _section(name: str) -> str:
    return BY_NAME[base_name(name)].section
