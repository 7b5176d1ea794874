"""Whether a caller may come in at all, before anyone reads what they ask for."""

from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from registrary.core.addresses import Networks, parse_address
from registrary.core.draft import Applicant, Facts, RegistrationAccess
from registrary.core.issuer import Issuer, RegistrationMode, RegistrationPolicy
from registrary.core.scope import REGISTRATION_SCOPE
from registrary.policy.ceilings import policies_called
from registrary.policy.decision import Refused
from registrary.policy.quotas import QUOTA_REFUSED, is_full

TOKEN_REFUSED: Final = Refused("invalid_token", "the initial access token is not valid")
TOKEN_REQUIRED: Final = Refused(
    "invalid_token", "an initial access token is required", is_challenge=True
)
CLOSED: Final = Refused("access_denied", "this issuer takes no registrations")
SCOPE_REQUIRED: Final = Refused(
    "insufficient_scope", f"the access token must have the scope {REGISTRATION_SCOPE.name}"
)
NETWORK_REFUSED: Final = Refused("access_denied", "registrations are not taken from this network")


class Entry(msgspec.Struct, frozen=True):
    """An applicant who may register, and the policies that will bind its client."""

    applicant: Applicant
    facts: Facts
    policies: tuple[RegistrationPolicy, ...]


def enter(applicant: Applicant, facts: Facts, issuer: Issuer, *, now: datetime) -> Entry | Refused:
    """Let *applicant* in to *issuer*, or say why not.

    A token that is not good is refused in every mode: its bearer is never taken for a
    stranger (RFC 7591 §3.2.2, RFC 6750 §3.1).
    """
    if issuer.mode is RegistrationMode.CLOSED:
        return CLOSED
    if applicant.token is None:
        if issuer.mode is RegistrationMode.PROTECTED:
            return TOKEN_REQUIRED
    elif facts.access is not None:
        refused = _refuse_access(facts.access, issuer)
        if refused is not None:
            return refused
    elif not is_token_good(facts, in_path=applicant.token.in_path, now=now):
        return TOKEN_REFUSED
    policies = policies_called(bound_policies(facts, issuer), issuer)
    if policies is None or not is_network_allowed(applicant.peer, issuer, policies=policies):
        # A policy that no longer exists allows nothing: what cannot be judged denies.
        return NETWORK_REFUSED
    if facts.clients and is_full(issuer, organization_of(facts), facts.clients):
        return QUOTA_REFUSED
    return Entry(applicant, facts, policies)


def _refuse_access(access: RegistrationAccess, issuer: Issuer) -> Refused | None:
    """Judge an access token in the place of an initial access token: good once, where allowed."""
    allowed = issuer.people_may_register if access.person else issuer.clients_may_register
    if access.is_spent or not allowed:
        return TOKEN_REFUSED
    return None if REGISTRATION_SCOPE.name in access.scope else SCOPE_REQUIRED


def organization_of(facts: Facts) -> str | None:
    """Return whose client it would be, None when it is nobody's."""
    token = facts.initial_access_token
    return token.organization if token else None


def is_token_good(facts: Facts, *, in_path: bool, now: datetime) -> bool:
    """Tell whether the presented initial access token may be used once more at *now*."""
    token = facts.initial_access_token
    if token is None or token.revoked_at is not None:
        return False
    if in_path and token.header_only:
        return False
    if token.expires_at is not None and now >= token.expires_at:
        return False
    return token.uses is None or facts.uses_made < token.uses


def bound_policies(facts: Facts, issuer: Issuer) -> tuple[str, ...]:
    """Return the names of the policies that bind a client coming in through this door."""
    token = facts.initial_access_token
    return issuer.default_policies + (token.policies if token else ())


def is_network_allowed(
    peer: str, issuer: Issuer, *, policies: tuple[RegistrationPolicy, ...]
) -> bool:
    """Tell whether *peer* lies in every list of networks that applies."""
    lists = [issuer.limits.networks] if issuer.limits.networks else []
    lists += [policy.networks for policy in policies if policy.networks is not None]
    return all(_networks(listed).contains(parse_address(peer)) for listed in lists)


@lru_cache(maxsize=256)
def _networks(listed: tuple[str, ...]) -> Networks:
    return Networks.parse(listed)
