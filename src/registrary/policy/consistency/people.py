"""Rules about sectors, logout and approval elsewhere: what concerns the people behind a token."""

from typing import Final

from registrary.core.metadata import Feature
from registrary.core.metadata.grants import CIBA, GRANT_TYPES
from registrary.core.uris import (
    RedirectKind,
    host_of,
    is_loopback_host,
    origin_of,
    redirect_kind,
    take_apart,
)
from registrary.policy.consistency.resulting import Resulting, problem
from registrary.policy.consistency.rule import Problems, rule

_SECTOR: Final = "OpenID Connect Core §8.1"
_LOGOUT: Final = "OpenID Connect RP-Initiated Logout §3.1"
_GRANTS: Final = ("grant_types", "response_types", "token_endpoint_auth_method")


@rule(
    _SECTOR,
    reads=("subject_type", "sector_identifier_uri", "redirect_uris", "jwks_uri", *_GRANTS),
)
def pairwise_subjects_have_one_sector(client: Resulting) -> Problems:
    """Demand a sector document where redirect URIs do not name one host (C-011, E-080)."""
    values = client.values
    if values["subject_type"] != "pairwise" or "sector_identifier_uri" in values:
        return ()
    hosts = {host_of(uri) for uri in client.redirect_uris}
    if len(hosts) > 1:
        reason = "when redirect_uris have several hosts"
    elif "" in hosts:
        reason = "when redirect_uris have no host"
    elif not hosts and "jwks_uri" not in values and _names_people(values["grant_types"]):
        reason = "without redirect_uris and jwks_uri"
    else:
        return ()
    rule_text = f"must be given for pairwise subjects {reason}"
    return [problem("sector_identifier_uri", rule_text, _SECTOR)]


def _names_people(grants: list[str]) -> bool:
    return any(GRANT_TYPES[name].names_a_person for name in grants if name in GRANT_TYPES)


@rule(
    _LOGOUT,
    reads=("post_logout_redirect_uris", "application_type", "redirect_uris", *_GRANTS),
    features=(Feature.LOGOUT,),
)
def the_way_back_from_logout_suits_the_client(client: Resulting) -> Problems:
    """Let browsers go back to https, into native applications, and to little else (C-050)."""
    found: dict[str, list[str]] = {}
    for position, uri in enumerate(client.values.get("post_logout_redirect_uris") or ()):
        broken = _unsuited_after_logout(client, uri)
        if broken:
            found.setdefault(broken, []).append(f"[{position}]")
    return [
        problem("post_logout_redirect_uris", f"{', '.join(places)} {broken}", _LOGOUT)
        for broken, places in found.items()
    ]


def _unsuited_after_logout(client: Resulting, uri: str) -> str | None:
    is_native = client.values["application_type"] == "native"
    parts = take_apart(uri)
    if parts.scheme == "http":
        # A developer's own web application is on this machine as well.
        may_be_here = is_native or client.offer.loopback_http
        is_loopback = may_be_here and is_loopback_host(parts.host or "")
        return None if is_loopback or _may_use_http(client) else "must be https"
    if not is_native and redirect_kind(uri) is RedirectKind.PRIVATE:
        return "must be https for application_type web"
    return None


@rule(
    "OpenID Connect Back-Channel Logout §2.2",
    reads=("backchannel_logout_uri", "frontchannel_logout_uri", "token_endpoint_auth_method"),
    features=(Feature.BACKCHANNEL_LOGOUT, Feature.FRONTCHANNEL_LOGOUT),
)
def logout_is_told_over_https(client: Resulting) -> Problems:
    """Let plain http be for confidential clients of issuers that allow it (C-054, C-056)."""
    sections = {
        "backchannel_logout_uri": "OpenID Connect Back-Channel Logout §2.2",
        "frontchannel_logout_uri": "OpenID Connect Front-Channel Logout §2",
    }
    return [
        problem(name, "must be https", section)
        for name, section in sections.items()
        if name in client.values and not _is_reachable(client, client.values[name])
    ]


def _is_reachable(client: Resulting, uri: str) -> bool:
    parts = take_apart(uri)
    if parts.scheme == "https" or _may_use_http(client):
        return True
    return client.offer.loopback_http and is_loopback_host(parts.host or "")


def _may_use_http(client: Resulting) -> bool:
    return Feature.HTTP_LOGOUT in client.offer.features and not client.is_public


@rule(
    "OpenID Connect Front-Channel Logout §2",
    reads=("frontchannel_logout_uri", "redirect_uris"),
    features=(Feature.FRONTCHANNEL_LOGOUT,),
)
def a_logout_page_belongs_to_the_client(client: Resulting) -> Problems:
    """Demand scheme, host and port of a redirect URI for the logout page (C-056)."""
    uri = client.values.get("frontchannel_logout_uri")
    if uri is None or origin_of(uri) in {origin_of(redirect) for redirect in client.redirect_uris}:
        return ()
    rule_text = "must have scheme, host and port of a redirect URI"
    section = "OpenID Connect Front-Channel Logout §2"
    return [problem("frontchannel_logout_uri", rule_text, section)]


@rule(
    "CIBA §4",
    reads=(
        "backchannel_token_delivery_mode",
        "backchannel_client_notification_endpoint",
        *_GRANTS,
    ),
    features=(Feature.BACKCHANNEL_AUTHENTICATION,),
)
def approval_elsewhere_is_reported_somehow(client: Resulting) -> Problems:
    """Demand a delivery mode, and an address unless the client polls (E-090, E-091)."""
    if CIBA not in client.values["grant_types"]:
        return ()
    mode = client.values.get("backchannel_token_delivery_mode")
    if mode is None:
        name = "backchannel_token_delivery_mode"
        return [problem(name, "must be given for this grant", "CIBA §4")]
    if mode != "poll" and "backchannel_client_notification_endpoint" not in client.values:
        name = "backchannel_client_notification_endpoint"
        return [problem(name, "must be given unless the client polls", "CIBA §4")]
    return ()
