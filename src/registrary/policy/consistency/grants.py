"""Rules between grants, response types, redirect URIs and scopes."""

from typing import Final

from registrary.core.metadata.grants import (
    AUTHORIZATION_CODE,
    GRANT_TYPES,
    IMPLICIT,
    REFRESH_TOKEN,
    RESPONSE_TYPES,
    response_words,
)
from registrary.core.uris import RedirectKind, leads_to_this_machine, redirect_kind, take_apart
from registrary.policy.consistency.resulting import Resulting, problem
from registrary.policy.consistency.rule import Problems, rule

_GRANTS: Final = ("grant_types", "response_types", "token_endpoint_auth_method")
_TYPE: Final = "OpenID Connect Registration §2"
_AGREE: Final = "RFC 7591 §2.1"


@rule("RFC 7591 §2", reads=("redirect_uris", *_GRANTS))
def redirect_uris_are_there_when_needed(client: Resulting) -> Problems:
    """Demand an address to come back to of clients that go away, and of no others (T-52)."""
    if client.redirect_uris or not any(
        GRANT_TYPES[name].redirects for name in client.usable_grants
    ):
        return ()
    return [problem("redirect_uris", "must be given for grants that redirect", "RFC 7591 §2")]


@rule(_TYPE, reads=("redirect_uris", "application_type", *_GRANTS))
def redirect_uris_suit_the_application_type(client: Resulting) -> Problems:
    """Hold each redirect URI against the kind of application (C-002 to C-006)."""
    unsuited = _unsuited_web if client.values["application_type"] == "web" else _unsuited_native
    found: dict[str, list[str]] = {}
    for position, uri in enumerate(client.redirect_uris):
        broken = unsuited(client, uri)
        if broken:
            found.setdefault(broken, []).append(f"[{position}]")
    return [
        problem("redirect_uris", f"{', '.join(places)} {broken}", _TYPE)
        for broken, places in found.items()
    ]


def _unsuited_web(client: Resulting, uri: str) -> str | None:
    if redirect_kind(uri) is not RedirectKind.HTTPS:
        return "must be https for application_type web"
    if IMPLICIT in client.values["grant_types"] and leads_to_this_machine(_host(uri)):
        return "must not lead to this machine for application_type web with the implicit grant"
    return None


def _unsuited_native(_: Resulting, uri: str) -> str | None:
    if redirect_kind(uri) is RedirectKind.HTTPS and leads_to_this_machine(_host(uri)):
        return "must not be https on this machine for application_type native"
    return None


def _host(uri: str) -> str:
    return take_apart(uri).host or ""


@rule("RFC 7591 §2", reads=("token_endpoint_auth_method",))
def the_method_is_offered(client: Resulting) -> Problems:
    """Refuse a client that left the method to a default which a ceiling took away."""
    announced_by = "token_endpoint_auth_methods_supported"
    if client.offer.accepts(announced_by, client.values["token_endpoint_auth_method"]):
        return ()
    rule_text = f"must be among {announced_by}"
    return [problem("token_endpoint_auth_method", rule_text, "RFC 7591 §2")]


@rule("RFC 7591 §2", reads=_GRANTS)
def a_usable_grant_remains(client: Resulting) -> Problems:
    """Refuse when nothing that was asked for can be used (A-048, A-050, A-051)."""
    usable = client.usable_grants
    if not usable and not set(client.offer.grant_types).isdisjoint(client.values["grant_types"]):
        rule_text = "must hold a grant that is open to clients without authentication"
        return [problem("grant_types", rule_text, "RFC 6749 §4.4")]
    if not usable:
        rule_text = "must hold a grant among grant_types_supported"
        return [problem("grant_types", rule_text, "RFC 7591 §2")]
    if REFRESH_TOKEN in usable and not any(
        GRANT_TYPES[name].yields_refresh_token for name in usable
    ):
        rule_text = "must hold a grant that yields refresh tokens beside refresh_token"
        return [problem("grant_types", rule_text, "RFC 6749 §6")]
    return ()


@rule(_AGREE, reads=_GRANTS)
def grants_and_response_types_agree(client: Resulting) -> Problems:
    """Keep a client out of an inconsistent state (A-045)."""
    grants, types = client.usable_grants, client.values["response_types"]
    if not grants:
        return ()  # that is said elsewhere
    found = [
        problem("response_types", f"{name} must come with {grant} in grant_types", _AGREE)
        for name in types
        for grant in RESPONSE_TYPES.get(name, ())
        if grant not in grants
    ]
    words = response_words(types)
    if AUTHORIZATION_CODE in grants and "code" not in words:
        rule_text = "must hold a type with code for the grant authorization_code"
        found.append(problem("response_types", rule_text, _AGREE))
    if IMPLICIT in grants and words.isdisjoint({"token", "id_token"}):
        rule_text = "must hold a type with token or id_token for the grant implicit"
        found.append(problem("response_types", rule_text, _AGREE))
    return found


@rule("RFC 7591 §2", reads=("scope",))
def a_scope_remains(client: Resulting) -> Problems:
    """Refuse a scope of which nothing can be granted."""
    asked = client.values.get("scope")
    if asked is None:
        return ()
    if not client.offer.open_scopes.isdisjoint(asked.split(" ")):
        return ()
    return [problem("scope", "must hold a scope that this issuer grants", "RFC 7591 §2")]
