"""Ceilings over clients, by the door they came in or for everybody: named policies."""

from collections.abc import Iterable
from typing import Final

from registrary.core.client import Client
from registrary.core.errors import Problem
from registrary.core.issuer import Issuer, RegistrationMode, RegistrationPolicy
from registrary.core.metadata import Offer
from registrary.core.metadata.grants import JWT_BEARER, TOKEN_EXCHANGE
from registrary.core.uris import RedirectKind, host_of, redirect_kind
from registrary.policy.consistency import Resolved

DELEGATING: Final = frozenset({TOKEN_EXCHANGE, JWT_BEARER})
_NO_CEILING: Final = (None, None, None)


def policies_called(names: Iterable[str], issuer: Issuer) -> tuple[RegistrationPolicy, ...] | None:
    """Return the policies with these names, or None when one no longer exists.

    A policy that cannot be found binds nothing it could be held to; the caller must refuse.
    """
    found = [issuer.policy(name) for name in names]
    return None if None in found else tuple(policy for policy in found if policy)


def policies_over(client: Client, issuer: Issuer) -> tuple[RegistrationPolicy, ...] | None:
    """Return the policies that bind *client* now, or None when one no longer exists.

    Those of the door it came in by stay for all its life, and those that *issuer* has for
    everybody today join them: a client that came first keeps nothing that is forbidden since.
    """
    return policies_called(dict.fromkeys(client.door.policies + issuer.default_policies), issuer)


def lowered(offer: Offer, policies: Iterable[RegistrationPolicy]) -> Offer:
    """Return *offer* under every ceiling of *policies*.

    Grants and scopes are narrowed to it, and what is not given is filled in from it: a client
    that names no method gets the first that is allowed, not one that is then refused.
    """
    for policy in policies:
        ceiling = (policy.grant_types, policy.token_endpoint_auth_methods, policy.scopes)
        if ceiling != _NO_CEILING:
            grant_types, methods, scopes = ceiling
            offer = offer.within(
                grant_types=grant_types, token_endpoint_auth_methods=methods, scopes=scopes
            )
    return offer


def through_the_door(offer: Offer, door: str, policies: Iterable[RegistrationPolicy]) -> Offer:
    """Return *offer* under every ceiling of *policies*, for a client that comes in by *door*.

    Grants that act on what others allowed are left out of an open registration (E-102), unless
    a policy names them or it is a developer who tries them.
    """
    bound = tuple(policies)
    offer = lowered(offer, bound)
    if door != RegistrationMode.OPEN or offer.loopback_http:
        return offer
    named = {name for policy in bound for name in policy.grant_types or ()}
    left_out = DELEGATING - named
    if left_out.isdisjoint(offer.grant_types):
        return offer
    return offer.within(grant_types=set(offer.grant_types) - left_out)


def broken_ceilings(resolved: Resolved, policies: Iterable[RegistrationPolicy]) -> list[Problem]:
    """Return what of the resulting client no ceiling may narrow and some policy forbids."""
    return [problem for policy in policies for problem in _broken(resolved, policy)]


def _broken(resolved: Resolved, policy: RegistrationPolicy) -> Iterable[Problem]:
    section = f"policy {policy.name}"
    methods = policy.token_endpoint_auth_methods
    method = resolved.metadata.get("token_endpoint_auth_method")
    if methods is not None and method not in methods:
        rule = "must be a method that the policy allows"
        name = "token_endpoint_auth_method"
        yield Problem("invalid_client_metadata", name, rule, section)
    if policy.redirect_hosts is not None and not all(
        _is_host_allowed(uri, policy.redirect_hosts)
        for uri in resolved.metadata.get("redirect_uris") or ()
    ):
        rule = "must lead to hosts that the policy allows"
        yield Problem("invalid_redirect_uri", "redirect_uris", rule, section)


def _is_host_allowed(uri: str, hosts: tuple[str, ...]) -> bool:
    return redirect_kind(uri) is RedirectKind.HTTPS and host_of(uri) in hosts
