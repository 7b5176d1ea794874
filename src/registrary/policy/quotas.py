"""Quotas: how many clients an issuer and each of its organisations may have at one time.

Clients are counted whether or not a quota is set, so that one that is set later knows who is
there. The count goes up and down inside the write that makes a client or ends it.
"""

from collections.abc import Mapping
from typing import Final

from registrary.core.changes import NO_LIMIT, Consume
from registrary.core.checks import Check, Outcome
from registrary.core.issuer import Issuer
from registrary.policy.decision import Refused

COUNTER: Final = "clients"
_RULE: Final = "there are as many clients as there may be"
QUOTA_REFUSED: Final = Refused(
    "access_denied", _RULE, checks=(Check("quotas", "", Outcome.FAILED, _RULE),)
)


def counted(issuer: Issuer, organization: str | None, *, amount: int = 1) -> tuple[Consume, ...]:
    """Count *amount* clients more, of *organization* if it is one's; each within its quota."""
    limits = issuer.limits
    limit = NO_LIMIT if limits.client_quota is None else limits.client_quota
    total = Consume(issuer.id, COUNTER, limit, amount)
    if organization is None:
        return (total,)
    limit = NO_LIMIT if limits.organization_quota is None else limits.organization_quota
    return (total, Consume(issuer.id, f"{COUNTER}:{organization}", limit, amount))


def quotas_set(issuer: Issuer, organization: str | None) -> tuple[str, ...]:
    """Return the counters that a quota bounds for a client of *organization*."""
    limits = issuer.limits
    if limits.client_quota is None and limits.organization_quota is None:
        return ()
    return tuple(part.counter for part in counted(issuer, organization) if part.limit != NO_LIMIT)


def is_full(issuer: Issuer, organization: str | None, made: Mapping[str, int]) -> bool:
    """Tell whether no client of *organization* fits in; *made* is how many there are by counter."""
    return any(made.get(part.counter, 0) >= part.limit for part in counted(issuer, organization))


def is_quota(counter: str) -> bool:
    """Tell whether *counter*, which could not be raised, is one of a quota."""
    return counter.partition(":")[0] == COUNTER
