"""What a client gets that it did not ask for, in the order in which values follow each other."""

from typing import Final

from registrary.core.metadata import Source
from registrary.core.metadata.offer import (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    IMPLICIT,
    JWT_METHODS,
)
from registrary.core.scope import parse_scope, split_scope
from registrary.core.uris import RedirectKind, redirect_kind
from registrary.policy.consistency.resulting import Resulting

_ENCRYPTED: Final = (
    "id_token",
    "userinfo",
    "request_object",
    "introspection",
    "authorization",
)
_TLS_SUBJECTS: Final = tuple(
    f"tls_client_auth_{name}"
    for name in ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
)

# OpenID Connect Registration §2: the grants that each response type needs.
GRANTS_OF_RESPONSE_TYPE: Final[dict[str, tuple[str, ...]]] = {
    "code": (AUTHORIZATION_CODE,),
    "id_token": (IMPLICIT,),
    "token": (IMPLICIT,),
    "id_token token": (IMPLICIT,),
    "code id_token": (AUTHORIZATION_CODE, IMPLICIT),
    "code token": (AUTHORIZATION_CODE, IMPLICIT),
    "code id_token token": (AUTHORIZATION_CODE, IMPLICIT),
}


def fill(client: Resulting) -> None:
    """Give *client* every value that follows from what was sent."""
    _authentication(client)
    _grants(client)
    _response_types(client)
    _application_type(client)
    _scope(client)
    _openid(client)
    _without_meaning(client)


def _authentication(client: Resulting) -> None:
    # RFC 7591 §2: client_secret_basic when omitted.
    if "token_endpoint_auth_method" not in client.values:
        client.default("token_endpoint_auth_method", "client_secret_basic")


def _grants(client: Resulting) -> None:
    """Derive grants from response types when absent; narrow to what is offered and usable."""
    asked = client.get("grant_types")
    if asked is None:
        types = client.get("response_types")
        if types is None:
            client.default("grant_types", [AUTHORIZATION_CODE])
        else:
            needed = (grant for name in types for grant in GRANTS_OF_RESPONSE_TYPE.get(name, ()))
            client.default("grant_types", list(dict.fromkeys(needed)), Source.INFERRED)
        asked = client.values["grant_types"]
    usable = [grant for grant in asked if grant in client.offer.grant_types]
    if client.is_public:
        # RFC 6749 §4.4: client credentials are for confidential clients.
        usable = [grant for grant in usable if grant != CLIENT_CREDENTIALS]
    if usable and usable != asked:
        client.default("grant_types", usable, Source.NARROWED)


def _response_types(client: Resulting) -> None:
    """Derive response types from the effective grants, not from those asked for."""
    if "response_types" in client.values:
        return
    grants = client.values["grant_types"]
    if AUTHORIZATION_CODE in grants:
        client.default("response_types", ["code"])
    else:
        client.default("response_types", ["id_token"] if IMPLICIT in grants else [])


def _application_type(client: Resulting) -> None:
    if "application_type" in client.values:
        return
    kinds = {redirect_kind(uri) for uri in client.redirect_uris}
    if kinds - {RedirectKind.HTTPS}:
        client.default("application_type", "native", Source.INFERRED)
    else:
        client.default("application_type", "web")


def _scope(client: Resulting) -> None:
    """Grant the default set when none is asked for; leave out what is not there or must wait."""
    asked = client.get("scope")
    if not asked:
        if client.offer.default_scope:
            client.default("scope", client.offer.default_scope)
        else:
            client.drop("scope")
        return
    split = split_scope(parse_scope(asked), client.offer.scopes)
    client.pending_scope = split.pending
    granted = " ".join(split.granted)
    if granted and granted != asked:
        client.default("scope", granted, Source.NARROWED)


def _openid(client: Resulting) -> None:
    for name, value in (
        ("subject_type", "public"),
        ("id_token_signed_response_alg", "RS256"),
    ):
        if name not in client.values:
            client.default(name, value)
    for prefix in _ENCRYPTED:
        algorithm, encoding = f"{prefix}_encrypted_response_alg", f"{prefix}_encrypted_response_enc"
        if prefix == "request_object":
            algorithm, encoding = f"{prefix}_encryption_alg", f"{prefix}_encryption_enc"
        if algorithm in client.values and encoding not in client.values:
            client.default(encoding, "A128CBC-HS256")


def _without_meaning(client: Resulting) -> None:
    """Drop members that only mean something with another method of authentication."""
    method = client.get("token_endpoint_auth_method")
    if method not in JWT_METHODS:
        client.drop("token_endpoint_auth_signing_alg")
    if method != "tls_client_auth":
        client.drop(*_TLS_SUBJECTS)
