"""What a client gets that it did not ask for, in the order in which values follow each other."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from registrary.core.metadata import FIELDS, Feature, Offer, Source
from registrary.core.metadata.algorithms import DEFAULT_ENCODING, ENCRYPTION_MEMBERS
from registrary.core.metadata.grants import (
    AUTHORIZATION_CODE,
    CIBA,
    GRANT_TYPES,
    REFRESH_TOKEN,
    grants_of,
    response_types_of,
)
from registrary.core.scope import split_scope
from registrary.core.uris import RedirectKind, redirect_kind
from registrary.policy.consistency.resulting import Resulting

JWT_METHODS: Final = ("private_key_jwt", "client_secret_jwt")
_ENCRYPTING: Final = frozenset({Feature.ENCRYPTED_REQUESTS, Feature.ENCRYPTION})
TLS_SUBJECTS: Final = tuple(
    f"tls_client_auth_{name}"
    for name in ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
)
CIBA_MEMBERS: Final = (
    "backchannel_token_delivery_mode",
    "backchannel_client_notification_endpoint",
    "backchannel_authentication_request_signing_alg",
    "backchannel_user_code_parameter",
)

# These have a step of their own below; the defaults of all others stand in their rows.
_DERIVED: Final = frozenset(
    {"token_endpoint_auth_method", "grant_types", "response_types", "application_type", "scope"}
)


def fill(client: Resulting) -> None:
    """Give *client* every value that follows from what was sent, and drop what means nothing.

    Rules are asked afterwards: a check that looked at the request let through what a default
    then completed (CVE-2026-18570).
    """
    _authentication(client)
    _grants(client)
    _response_types(client)
    _application_type(client)
    _scope(client)
    _simple_defaults(client)
    if not _ENCRYPTING.isdisjoint(client.offer.features):
        _encodings(client)
    _without_meaning(client)


def _authentication(client: Resulting) -> None:
    method = client.values.get("token_endpoint_auth_method")
    if method is None:
        offered = client.offer.accepted["token_endpoint_auth_methods_supported"]
        # RFC 7591 §2 says basic; a ceiling may have taken that away.
        preferred = "client_secret_basic"
        method = preferred if preferred in offered or not offered else offered[0]
        client.set("token_endpoint_auth_method", method, Source.DEFAULT)
    client.is_public = method == "none"


def _grants(client: Resulting) -> None:
    """Derive grants when none are named (A-047); leave out what cannot be used (A-050, A-051).

    Where nothing is left the grants stay as they were asked for, and a rule complains.
    """
    asked = client.values.get("grant_types")
    if asked is None:
        asked = _grants_meant(client)
    offered = client.offer.grant_types
    usable = [
        grant
        for grant in asked
        if grant in offered and not (client.is_public and GRANT_TYPES[grant].is_confidential)
    ]
    client.usable_grants = usable
    if usable and len(usable) != len(asked):
        client.set("grant_types", usable, Source.NARROWED)


def _grants_meant(client: Resulting) -> list[str]:
    types = client.values.get("response_types")
    if types:
        meant = grants_of(types)
        client.set("grant_types", meant, Source.INFERRED)
        return meant
    offered = client.offer.grant_types
    meant = [AUTHORIZATION_CODE]
    if AUTHORIZATION_CODE not in offered:
        # Under a ceiling: whatever else a client of its kind can use.
        usable = [grant for grant in offered if grant != REFRESH_TOKEN]
        if client.is_public:
            usable = [grant for grant in usable if not GRANT_TYPES[grant].is_confidential]
        meant = usable[:1] or meant
    client.set("grant_types", meant, Source.DEFAULT)
    return meant


def _response_types(client: Resulting) -> None:
    """Derive response types from the effective grants, not from those asked for (T-12)."""
    if "response_types" not in client.values:
        meant = response_types_of(client.values["grant_types"], client.offer.response_types)
        client.set("response_types", meant, Source.DEFAULT)


def _application_type(client: Resulting) -> None:
    """Take a client for native whose redirect URIs include any of native shape (C-005)."""
    if "application_type" in client.values:
        return
    for uri in client.redirect_uris:
        if redirect_kind(uri) is not RedirectKind.HTTPS:
            client.set("application_type", "native", Source.INFERRED)
            return
    client.set("application_type", "web", Source.DEFAULT)


def _scope(client: Resulting) -> None:
    """Grant the default set when none is asked for; leave out what is not there or must wait.

    Nothing waits where nobody approves: a client would wait for ever.
    """
    asked = client.values.get("scope")
    if asked is None:
        if client.offer.default_scope:
            client.set("scope", client.offer.default_scope, Source.DEFAULT)
        return
    tokens = asked.split(" ")
    if client.offer.open_scopes.issuperset(tokens):
        return
    split = split_scope(tokens, client.offer.scope_by_name)
    if Feature.APPROVALS in client.offer.features:
        client.pending_scope = split.pending
    if split.granted:
        client.set("scope", " ".join(split.granted), Source.NARROWED)
    elif client.pending_scope:
        del client.values["scope"]


def _simple_defaults(client: Resulting) -> None:
    values, sources = client.values, client.sources
    for name, value in _defaults(client.offer).items():
        if name not in values:
            values[name] = value
            sources[name] = "default"


def _encodings(client: Resulting) -> None:
    """Name how content is encrypted where only the key's algorithm was named (C-013)."""
    for algorithm, encoding in ENCRYPTION_MEMBERS.items():
        if algorithm in client.values and encoding not in client.values:
            client.set(encoding, DEFAULT_ENCODING, Source.DEFAULT)


def _without_meaning(client: Resulting) -> None:
    """Drop members that only mean something with another method or grant (C-018, E-024)."""
    method = client.values["token_endpoint_auth_method"]
    if method not in JWT_METHODS:
        client.drop("token_endpoint_auth_signing_alg")
    if Feature.MUTUAL_TLS in client.offer.features and method != "tls_client_auth":
        client.drop(*TLS_SUBJECTS)
    if (
        Feature.BACKCHANNEL_AUTHENTICATION in client.offer.features
        and CIBA not in client.values["grant_types"]
    ):
        client.drop(*CIBA_MEMBERS)


@lru_cache(maxsize=256)
def _defaults(offer: Offer) -> Mapping[str, Any]:  # Any: values of members are any JSON
    """Return the defaults of rows that need no thought; none is a list or an object."""
    defaults = {}
    for field in FIELDS:
        if field.default is None or field.name in _DERIVED or not offer.has(field):
            continue
        listed = offer.accepted.get(field.announced_by or "")
        is_fine = listed is None or field.default in listed
        defaults[field.name] = field.default if is_fine or not listed else listed[0]
    return defaults
