"""Rules between grants, response types and redirect URIs."""

from collections.abc import Iterator

from registrary.core.errors import Problem
from registrary.core.metadata.offer import AUTHORIZATION_CODE, IMPLICIT, REFRESH_TOKEN
from registrary.core.uris import LOOPBACK_HOSTS, RedirectKind, host_of, redirect_kind
from registrary.policy.consistency.defaults import GRANTS_OF_RESPONSE_TYPE
from registrary.policy.consistency.resulting import Resulting, problem

_REDIRECT = "invalid_redirect_uri"


def a_grant_remains(client: Resulting) -> Iterator[Problem]:
    """Refuse when nothing that was asked for is offered and usable (RFC 7591 §2)."""
    grants = client.values["grant_types"]
    section = "RFC 7591 §2"
    if not any(grant in client.offer.grant_types for grant in grants):
        yield problem("grant_types", "must hold a grant that this issuer offers", section)
    elif client.is_public and grants == ["client_credentials"]:
        rule = "must not be client_credentials alone without client authentication"
        yield problem("grant_types", rule, "RFC 6749 §4.4")
    elif grants == [REFRESH_TOKEN]:
        yield problem("grant_types", "must not be refresh_token alone", "RFC 6749 §6")


def grants_and_response_types_agree(client: Resulting) -> Iterator[Problem]:
    """Keep a client out of an inconsistent state (RFC 7591 §2.1)."""
    grants, types = client.values["grant_types"], client.values["response_types"]
    section = "RFC 7591 §2.1"
    for name in types:
        missing = [grant for grant in GRANTS_OF_RESPONSE_TYPE.get(name, ()) if grant not in grants]
        if missing:
            rule = f"must be matched by grant_types: {', '.join(missing)} is missing"
            yield problem("response_types", rule, section)
    if AUTHORIZATION_CODE in grants and not any("code" in name.split(" ") for name in types):
        yield problem("response_types", "must hold one with code for authorization_code", section)
    if IMPLICIT in grants and not any(
        {"token", "id_token"} & set(name.split(" ")) for name in types
    ):
        yield problem(
            "response_types", "must hold one with token or id_token for implicit", section
        )


def redirect_uris_are_there(client: Resulting) -> Iterator[Problem]:
    """Demand redirect URIs of clients that send people around (RFC 7591 §2)."""
    redirecting = {AUTHORIZATION_CODE, IMPLICIT} & set(client.values["grant_types"])
    if redirecting and not client.redirect_uris:
        yield problem(
            "redirect_uris", "must hold at least one address", "RFC 7591 §2", code=_REDIRECT
        )


def redirect_uris_fit_the_application_type(client: Resulting) -> Iterator[Problem]:
    """Hold every redirect URI against the application type (OpenID Connect Registration §2)."""
    application_type = client.values["application_type"]
    implicit = IMPLICIT in client.values["grant_types"]
    for uri in client.redirect_uris:
        rule = _misfit(uri, application_type, implicit=implicit)
        if rule:
            section = "OpenID Connect Registration §2"
            yield problem("redirect_uris", rule, section, code=_REDIRECT)


def _misfit(uri: str, application_type: str, *, implicit: bool) -> str | None:
    kind = redirect_kind(uri)
    on_this_machine = host_of(uri) in LOOPBACK_HOSTS
    if application_type == "web" and kind is not RedirectKind.HTTPS:
        return "must use https for a web application"
    if kind is RedirectKind.HTTPS and on_this_machine:
        if application_type == "native":
            return "must use http, not https, on a loopback host for a native application"
        if implicit:
            return "must not lead to this machine for a web application with implicit"
    return None
