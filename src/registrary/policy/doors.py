"""Whether a caller may come in at all, before anyone reads what they ask for."""

from datetime import datetime
from functools import lru_cache
from typing import Final

from registrary.core.addresses import Networks, parse_address
from registrary.core.draft import Facts, RegistrationRequest
from registrary.core.issuer import Issuer, RegistrationMode
from registrary.policy.decision import Refused

TOKEN_REFUSED: Final = Refused("invalid_token", "the initial access token is not valid")
TOKEN_REQUIRED: Final = Refused(
    "invalid_token", "an initial access token is required", is_challenge=True
)
CLOSED: Final = Refused("access_denied", "this issuer takes no registrations")
NETWORK_REFUSED: Final = Refused("access_denied", "registrations are not taken from this network")


def refuse_door(
    request: RegistrationRequest, facts: Facts, issuer: Issuer, *, now: datetime
) -> Refused | None:
    """Return why *request* may not register at *issuer*, or None.

    A token that is not good is refused in every mode: its bearer is never taken for a
    stranger (RFC 7591 §3.2.2, RFC 6750 §3.1).
    """
    if issuer.mode is RegistrationMode.CLOSED:
        return CLOSED
    if request.token is None:
        if issuer.mode is RegistrationMode.PROTECTED:
            return TOKEN_REQUIRED
    elif not is_token_good(facts, in_path=request.token.in_path, now=now):
        return TOKEN_REFUSED
    if not is_network_allowed(request.peer, issuer, policies=bound_policies(facts, issuer)):
        return NETWORK_REFUSED
    return None


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


def is_network_allowed(peer: str, issuer: Issuer, *, policies: tuple[str, ...]) -> bool:
    """Tell whether *peer* lies in every list of networks that applies.

    A policy that no longer exists allows nothing: a condition that cannot be judged denies.
    """
    lists = [issuer.limits.networks] if issuer.limits.networks else []
    for name in policies:
        policy = issuer.policy(name)
        if policy is None:
            return False
        if policy.networks is not None:
            lists.append(policy.networks)
    return all(_networks(listed).contains(parse_address(peer)) for listed in lists)


@lru_cache(maxsize=256)
def _networks(listed: tuple[str, ...]) -> Networks:
    return Networks.parse(listed)
