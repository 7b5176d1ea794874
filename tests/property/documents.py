"""Documents of client metadata, honest and hostile, and what must be true of every client."""

from typing import Any

from hypothesis import strategies as st

from registrary.core.errors import Problem
from registrary.core.metadata import (
    BY_NAME,
    FIELDS,
    Feature,
    Field,
    Offer,
    in_deciding_order,
    offer_for,
    parse_document,
)
from registrary.core.metadata.grants import GRANT_TYPES, RESPONSE_TYPES
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.core.uris import RedirectKind, redirect_kind
from registrary.policy.consistency import (
    Resolved,
    needs_secret,
    resolve,
    secret_octets,
    sector_host,
)

OFFERS = [
    offer_for("rfc9700", DEVELOPMENT_SCOPES),
    offer_for("oidf-dynamic", DEVELOPMENT_SCOPES),
    offer_for(
        "oidf-dynamic",
        DEVELOPMENT_SCOPES,
        features=frozenset(Feature) - {Feature.APPROVALS},
        authorization_details_types=("payment_initiation",),
    ),
    offer_for("rfc9700", ()),
    offer_for("rfc9700", DEVELOPMENT_SCOPES).within(grant_types=("client_credentials",)),
]
KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
uris = st.sampled_from(
    [
        "https://client.example/cb",
        "https://client.example/other?a=b",
        "https://other.example/cb",
        "https://localhost/cb",
        "http://127.0.0.1:1/cb",
        "http://localhost/cb",
        "com.example.app:/cb",
    ]
)
algorithms = st.sampled_from(
    [
        "none",
        "RS256",
        "ES256",
        "EdDSA",
        "HS256",
        "HS512",
        "dir",
        "A128KW",
        "ECDH-ES",
        "RSA-OAEP-256",
        "A256GCM",
        "A128CBC-HS256",
    ]
)
LIKELY = {
    "redirect_uris": st.lists(uris, max_size=3),
    "token_endpoint_auth_method": st.sampled_from(
        [
            "none",
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
            "private_key_jwt",
            "tls_client_auth",
            "self_signed_tls_client_auth",
        ]
    ),
    "grant_types": st.lists(st.sampled_from([*GRANT_TYPES, "password", "urn:x"]), max_size=4),
    "response_types": st.lists(st.sampled_from([*RESPONSE_TYPES, "token code"]), max_size=3),
    "client_name": st.text(max_size=12),
    "scope": st.lists(
        st.sampled_from(["openid", "read", "write", "admin", "dcr", "nope", ""]), max_size=4
    ).map(" ".join),
    "contacts": st.lists(st.sampled_from(["a@client.example", "phone"]), max_size=2),
    "jwks": st.sampled_from([{"keys": [KEY]}, {"keys": []}]),
    "application_type": st.sampled_from(["web", "native"]),
    "subject_type": st.sampled_from(["public", "pairwise"]),
    "default_max_age": st.integers(-1, 4000),
    "default_acr_values": st.lists(st.sampled_from(["a", "b"]), max_size=2),
    "request_uris": st.lists(uris, max_size=2),
    "post_logout_redirect_uris": st.lists(uris, max_size=2),
    "authorization_details_types": st.just(["payment_initiation"]),
    "backchannel_token_delivery_mode": st.sampled_from(["poll", "ping", "push"]),
    "tls_client_auth_subject_dn": st.just("CN=client"),
    "tls_client_auth_san_ip": st.just("192.0.2.1"),
}


def likely(field: Field[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for values that are often good ones of *field*."""
    if field.name in LIKELY:
        return LIKELY[field.name]
    if field.schema.get("type") == "boolean":
        return st.booleans()
    if field.schema.get("format") == "uri":
        return uris
    if field.announced_by:
        return algorithms
    return st.text(max_size=8)


members = st.one_of(
    *(st.tuples(st.just(field.name), likely(field)) for field in FIELDS),
    st.tuples(st.sampled_from(sorted(BY_NAME)), json_values),
    st.tuples(st.sampled_from(["client_name#fr", "client_name#FR", "logo_uri#de"]), uris),
    st.tuples(st.text(max_size=10), json_values),
)
redirecting = st.tuples(st.just("redirect_uris"), st.just(["https://client.example/cb"]))
documents = st.builds(
    lambda first, rest: dict([*first, *rest]),
    st.lists(redirecting, max_size=1),
    st.lists(members, max_size=12),
)
offers = st.sampled_from(OFFERS)


def judged(document: dict[str, Any], offer: Offer) -> tuple[Resolved, tuple[Problem, ...]]:
    """Return what *document* results in under *offer*, and all that is wrong with it."""
    parsed = parse_document(document, offer)
    unusable = [problem.field for problem in parsed.problems]
    result = resolve(parsed.values, offer, unusable=unusable)
    return result, in_deciding_order((*parsed.problems, *result.problems))


def assert_holds_together(client: dict[str, Any], offer: Offer) -> None:
    """Check that the metadata *client* breaks no rule between its members."""
    grants = client["grant_types"]

    assert grants
    assert set(grants) <= set(offer.grant_types)
    assert set(client["response_types"]) <= set(offer.response_types)
    if any(GRANT_TYPES[grant].redirects for grant in grants):
        assert client["redirect_uris"]
        assert client["response_types"]
    for uri in client.get("redirect_uris", ()):
        is_https = redirect_kind(uri) is RedirectKind.HTTPS
        assert is_https or "native" == client["application_type"]
    if "none" == client["token_endpoint_auth_method"]:
        assert not any(GRANT_TYPES[grant].is_confidential for grant in grants)
        assert not needs_secret(client)
    if client["subject_type"] == "pairwise" and client.get("redirect_uris"):
        assert sector_host(client)
    assert not {"jwks", "jwks_uri"} <= client.keys()
    assert not any(value is None or value == "" for value in client.values())
    assert secret_octets(client) >= 32
    assert "admin" not in client.get("scope", "").split(" ")
