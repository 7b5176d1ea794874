"""Consistency of the resulting client: what follows first, then every rule between members."""

from registrary.policy.consistency.credentials import (
    is_public,
    needs_recoverable_secret,
    needs_secret,
    secret_octets,
)
from registrary.policy.consistency.explaining import explain, foreign_pages, noticed
from registrary.policy.consistency.resolve import RULES, resolve, rules_for
from registrary.policy.consistency.resolved import Resolved
from registrary.policy.consistency.rule import Rule
from registrary.policy.consistency.sector import (
    check_sector_document,
    sector_host,
    sector_members,
    sector_need,
)

__all__ = [
    "RULES",
    "Resolved",
    "Rule",
    "check_sector_document",
    "explain",
    "foreign_pages",
    "is_public",
    "needs_recoverable_secret",
    "needs_secret",
    "noticed",
    "resolve",
    "rules_for",
    "secret_octets",
    "sector_host",
    "sector_members",
    "sector_need",
]
