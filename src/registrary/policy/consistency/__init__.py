"""Consistency of the resulting client: defaults first, then every rule between members."""

from registrary.policy.consistency.credentials import (
    needs_recoverable_secret,
    needs_secret,
    sector_host,
)
from registrary.policy.consistency.resolve import RULES, Resolved, check_sector_document, resolve

__all__ = [
    "RULES",
    "Resolved",
    "check_sector_document",
    "needs_recoverable_secret",
    "needs_secret",
    "resolve",
    "sector_host",
]
