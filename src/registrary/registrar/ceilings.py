"""Judging named ceilings before they are stored: one that is misspelt binds nobody."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

from registrary.core.addresses import Networks
from registrary.core.errors import FieldError
from registrary.core.issuer import Issuer, RegistrationPolicy
from registrary.core.metadata import Feature, offer_for, parsers
from registrary.core.uris import check_host_name
from registrary.registrar.administration import NotPossible

LONGEST_LIFETIME: Final = timedelta(days=36_500)  # beyond which dates end

# Whatever this server could offer under any rule set, so that a ceiling may be written before the
# feature that it bounds is switched on.
_EVERYTHING: Final = offer_for("oidf-dynamic", (), features=frozenset(Feature))


def check_ceilings(policies: Iterable[RegistrationPolicy], issuer: Issuer) -> None:
    """Refuse policies with values that no client of *issuer* could have; raises `NotPossible`."""
    for position, policy in enumerate(policies):
        for member, check in _checks(policy, issuer).items():
            try:
                check()
            except FieldError as error:
                raise NotPossible(f"policies[{position}].{member}: {error.rule}") from error


def _checks(policy: RegistrationPolicy, issuer: Issuer) -> dict[str, Callable[[], None]]:
    accepted = _EVERYTHING.accepted
    scopes = [scope.name for scope in issuer.scopes]
    methods = accepted["token_endpoint_auth_methods_supported"]
    return {
        "name": lambda: _check_name(policy.name),
        "scopes": lambda: _check_known(policy.scopes, scopes),
        "grant_types": lambda: _check_known(policy.grant_types, accepted["grant_types_supported"]),
        "token_endpoint_auth_methods": lambda: _check_known(
            policy.token_endpoint_auth_methods, methods
        ),
        "redirect_hosts": lambda: _check_hosts(policy.redirect_hosts or ()),
        "networks": lambda: _check_networks(policy.networks or ()),
        "client_secret_lifetime": lambda: _check_lifetime(policy.client_secret_lifetime),
    }


def _check_name(name: str) -> None:
    parsers.name(name)


def _check_known(values: Iterable[str] | None, known: Iterable[str]) -> None:
    if not set(values or ()) <= set(known):
        raise FieldError("must hold nothing but what this issuer knows")


def _check_hosts(hosts: Iterable[str]) -> None:
    for host in hosts:
        if host != host.lower():
            raise FieldError("must be in lower case")
        check_host_name(host)


def _check_networks(networks: Iterable[str]) -> None:
    Networks.parse(networks)


def _check_lifetime(lifetime: timedelta | None) -> None:
    if lifetime is not None and not timedelta(0) < lifetime <= LONGEST_LIFETIME:
        raise FieldError("must be longer than nothing, and at most 36500 days")
