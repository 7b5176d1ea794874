"""Grants, response types, redirect URIs and scopes: what results, and what contradicts itself."""

import pytest

from registrary.core.metadata import Feature, in_deciding_order, offer_for, parse_document
from registrary.core.metadata.grants import CIBA, DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE
from registrary.core.scope import DEVELOPMENT_SCOPES
from registrary.policy.consistency import resolve

OFFER = offer_for("rfc9700", DEVELOPMENT_SCOPES)
CERTIFYING = offer_for("oidf-dynamic", DEVELOPMENT_SCOPES)
EVERYTHING = offer_for("oidf-dynamic", DEVELOPMENT_SCOPES, features=frozenset(Feature))
URIS = ["https://client.example/cb"]
CODE, REFRESH, CREDENTIALS, IMPLICIT = (
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "implicit",
)


def resolved(offer=OFFER, **document):
    """Return what *document* results in."""
    parsed = parse_document(document, offer)
    unusable = [problem.field for problem in parsed.problems]
    return resolve(parsed.values, offer, unusable=unusable)


def problems_of(offer=OFFER, **document):
    """Return code, member and rule of everything wrong with *document*."""
    parsed = parse_document(document, offer)
    unusable = [problem.field for problem in parsed.problems]
    found = resolve(parsed.values, offer, unusable=unusable)
    return [
        (problem.code, problem.field, problem.rule)
        for problem in in_deciding_order((*parsed.problems, *found.problems))
    ]


DERIVED = {
    "nothing-named": ({}, [CODE], ["code"]),
    "only-code-grant": ({"grant_types": [CODE]}, [CODE], ["code"]),
    "code-and-refresh": ({"grant_types": [CODE, REFRESH]}, [CODE, REFRESH], ["code"]),
    "only-credentials": ({"grant_types": [CREDENTIALS]}, [CREDENTIALS], []),
    "only-response-type": ({"response_types": ["code"]}, [CODE], ["code"]),
    "nulls": ({"grant_types": None, "response_types": None}, [CODE], ["code"]),
    "both": ({"grant_types": [CODE], "response_types": ["code"]}, [CODE], ["code"]),
    "mixed-grants": ({"grant_types": [CODE, CREDENTIALS]}, [CODE, CREDENTIALS], ["code"]),
    "credentials-and-no-types": (
        {"grant_types": [CREDENTIALS], "response_types": []},
        [CREDENTIALS],
        [],
    ),
}

DERIVED_FOR_CERTIFICATION = {
    "id-token": ({"response_types": ["id_token"]}, [IMPLICIT], ["id_token"]),
    "hybrid": ({"response_types": ["code token"]}, [CODE, IMPLICIT], ["code token"]),
    "words-in-any-order": (
        {"response_types": ["token id_token code"]},
        [CODE, IMPLICIT],
        ["code id_token token"],
    ),
    "code-and-id-token": (
        {"response_types": ["code", "id_token"]},
        [CODE, IMPLICIT],
        ["code", "id_token"],
    ),
    "implicit-alone": ({"grant_types": [IMPLICIT]}, [IMPLICIT], ["id_token token"]),
    "implicit-and-code": (
        {"grant_types": [IMPLICIT, CODE]},
        [IMPLICIT, CODE],
        ["code", "id_token token"],
    ),
}


@pytest.mark.spec("A-021", "A-022", "A-023", "A-047", "A-049", "T-13", "T-14", "T-16")
@pytest.mark.parametrize(("document", "grants", "types"), DERIVED.values(), ids=DERIVED.keys())
def test_what_was_left_out_follows_from_what_was_said(document, grants, types):
    """A default that contradicts the rest made peers refuse, or store, inconsistent clients."""
    result = resolved(redirect_uris=URIS, **document)

    assert () == result.problems
    assert grants == result.metadata["grant_types"]
    assert types == result.metadata["response_types"]
    assert "client_secret_basic" == result.metadata["token_endpoint_auth_method"]


@pytest.mark.spec("A-045", "A-047", "C-040", "T-15")
@pytest.mark.parametrize(
    ("document", "grants", "types"),
    DERIVED_FOR_CERTIFICATION.values(),
    ids=DERIVED_FOR_CERTIFICATION.keys(),
)
def test_implicit_and_hybrid_types_bring_their_grants(document, grants, types):
    """OpenID Connect Registration §2 says which grants each type needs."""
    result = resolved(CERTIFYING, redirect_uris=URIS, **document)

    assert () == result.problems
    assert grants == result.metadata["grant_types"]
    assert types == result.metadata["response_types"]


NARROWED = {
    "implicit-beside-code": ([IMPLICIT, CODE], "client_secret_basic", [CODE]),
    "jwt-bearer-beside-code": ([CODE, REFRESH, JWT_BEARER], "none", [CODE, REFRESH]),
    "exchange-beside-credentials": (
        [TOKEN_EXCHANGE, CREDENTIALS],
        "client_secret_basic",
        [CREDENTIALS],
    ),
    "password-beside-code": (["password", CODE], "client_secret_basic", [CODE]),
    "unheard-of": (["urn:x", CODE], "client_secret_basic", [CODE]),
    "device-not-yet": ([DEVICE_CODE, CODE], "none", [CODE]),
    "credentials-of-public-client": ([CREDENTIALS, CODE], "none", [CODE]),
    "credentials-and-more": ([CODE, CREDENTIALS, REFRESH, "urn:x"], "none", [CODE, REFRESH]),
}


@pytest.mark.spec("A-050", "A-051", "A-038", "C-029", "E-102", "E-120", "T-10", "T-11", "T-12")
@pytest.mark.parametrize(("asked", "method", "kept"), NARROWED.values(), ids=NARROWED.keys())
def test_a_grant_that_cannot_be_had_is_left_out_and_the_rest_echoed(asked, method, kept):
    """Clients list every grant they might ever use; one too many is no reason to refuse."""
    result = resolved(redirect_uris=URIS, grant_types=asked, token_endpoint_auth_method=method)

    assert () == result.problems
    assert kept == result.metadata["grant_types"]
    assert "narrowed" == result.provenance["grant_types"]
    assert ("grant_types",) == result.narrowed
    expected = ["code"] if CODE in kept else []
    assert expected == result.metadata["response_types"]


UNUSABLE = "must hold a grant among grant_types_supported"
NOT_PUBLIC = "must hold a grant that is open to clients without authentication"
NO_REFRESH = "must hold a grant that yields refresh tokens beside refresh_token"

REFUSED = {
    "no-grants": ({"grant_types": []}, ("grant_types", UNUSABLE)),
    "implicit-alone": ({"grant_types": [IMPLICIT]}, ("grant_types", UNUSABLE)),
    "password-alone": ({"grant_types": ["password"]}, ("grant_types", UNUSABLE)),
    "unheard-of-alone": ({"grant_types": ["urn:x"]}, ("grant_types", UNUSABLE)),
    "jwt-bearer-alone": ({"grant_types": [JWT_BEARER]}, ("grant_types", UNUSABLE)),
    "public-credentials-alone": (
        {"grant_types": [CREDENTIALS], "token_endpoint_auth_method": "none"},
        ("grant_types", NOT_PUBLIC),
    ),
    "refresh-alone": ({"grant_types": [REFRESH]}, ("grant_types", NO_REFRESH)),
    "refresh-and-unheard-of": ({"grant_types": [REFRESH, "urn:x"]}, ("grant_types", NO_REFRESH)),
    "refresh-and-credentials": (
        {"grant_types": [REFRESH, CREDENTIALS]},
        ("grant_types", NO_REFRESH),
    ),
    "public-refresh-and-credentials": (
        {"grant_types": [REFRESH, CREDENTIALS], "token_endpoint_auth_method": "none"},
        ("grant_types", NO_REFRESH),
    ),
    "type-without-its-grant": (
        {"grant_types": [CREDENTIALS], "response_types": ["code"]},
        ("response_types", "code must come with authorization_code in grant_types"),
    ),
    "grant-without-its-type": (
        {"grant_types": [CODE], "response_types": []},
        ("response_types", "must hold a type with code for the grant authorization_code"),
    ),
    "no-types-and-no-grants": (
        {"response_types": []},
        ("response_types", "must hold a type with code for the grant authorization_code"),
    ),
    "type-that-is-not-offered": (
        {"response_types": ["token"]},
        ("response_types", "must be among response_types_supported"),
    ),
    "one-type-of-two-not-offered": (
        {"response_types": ["code", "id_token"], "grant_types": [CODE, IMPLICIT]},
        ("response_types", "must be among response_types_supported"),
    ),
    "method-that-is-not-offered": (
        {"token_endpoint_auth_method": "tls_client_auth"},
        ("token_endpoint_auth_method", "must be among token_endpoint_auth_methods_supported"),
    ),
}


@pytest.mark.spec("A-045", "A-047", "A-048", "A-050", "A-051", "A-021", "E-102", "E-120", "E-121")
@pytest.mark.parametrize(("document", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_a_client_that_could_do_nothing_or_contradicts_itself_is_refused(document, expected):
    """And told once, about the member to mend."""
    found = problems_of(redirect_uris=URIS, **document)

    assert [("invalid_client_metadata", *expected)] == found


@pytest.mark.spec("A-045")
def test_implicit_needs_a_type_that_uses_it():
    """A grant that no response type can reach is a mistake in the document."""
    found = problems_of(
        CERTIFYING, redirect_uris=URIS, grant_types=[CODE, IMPLICIT], response_types=["code"]
    )

    rule = "must hold a type with token or id_token for the grant implicit"
    assert [("invalid_client_metadata", "response_types", rule)] == found


@pytest.mark.spec("A-045")
def test_every_contradiction_is_named():
    """The whole list at once."""
    found = problems_of(
        CERTIFYING,
        redirect_uris=URIS,
        grant_types=[CREDENTIALS],
        response_types=["code id_token", "id_token"],
    )

    assert [
        "code id_token must come with authorization_code in grant_types",
        "code id_token must come with implicit in grant_types",
        "id_token must come with implicit in grant_types",
    ] == [rule for _, _, rule in found]


@pytest.mark.spec("A-020", "A-068", "T-52", "T-65", "E-080")
@pytest.mark.parametrize(
    ("grants", "method", "is_needed"),
    [
        ([CODE], "none", True),
        ([IMPLICIT], "none", True),
        ([CODE, CREDENTIALS], "client_secret_basic", True),
        ([CREDENTIALS], "client_secret_basic", False),
        ([DEVICE_CODE], "none", False),
        ([DEVICE_CODE, REFRESH], "none", False),
        ([CIBA], "client_secret_basic", False),
        ([CREDENTIALS, TOKEN_EXCHANGE], "client_secret_basic", False),
    ],
)
@pytest.mark.parametrize("uris", [None, []], ids=["missing", "empty"])
def test_redirect_uris_are_demanded_of_grants_that_redirect_alone(grants, method, is_needed, uris):
    """Servers that demand them of every client get placeholders registered."""
    found = problems_of(
        EVERYTHING,
        redirect_uris=uris,
        grant_types=grants,
        token_endpoint_auth_method=method,
        backchannel_token_delivery_mode="poll",
    )

    rule = ("invalid_redirect_uri", "redirect_uris", "must be given for grants that redirect")
    assert ([rule] if is_needed else []) == found


@pytest.mark.spec("A-050")
def test_a_document_without_a_usable_grant_is_told_that_and_nothing_else():
    """What would follow from grants that cannot be had is noise."""
    found = problems_of(grant_types=[IMPLICIT])

    assert [("invalid_client_metadata", "grant_types", UNUSABLE)] == found


@pytest.mark.spec("A-039", "A-068")
def test_a_rule_does_not_complain_of_what_could_not_be_read():
    """A client that sent bad redirect URIs did send some."""
    found = problems_of(redirect_uris=["/cb"], grant_types="authorization_code")

    assert [
        (
            "invalid_redirect_uri",
            "redirect_uris",
            "[0] must be an absolute URI, beginning with its scheme",
        ),
        ("invalid_client_metadata", "grant_types", "must be an array"),
    ] == found


def test_a_ceiling_changes_what_is_meant_by_nothing():
    """A policy for services means client credentials when a client names no grant."""
    service = OFFER.within(
        grant_types=(CREDENTIALS,), token_endpoint_auth_methods=("private_key_jwt",)
    )

    result = resolved(service, jwks_uri="https://client.example/jwks")

    assert () == result.problems
    assert [CREDENTIALS] == result.metadata["grant_types"]
    assert [] == result.metadata["response_types"]
    assert "private_key_jwt" == result.metadata["token_endpoint_auth_method"]


def test_a_ceiling_that_leaves_nothing_refuses():
    """Nothing outside a ceiling is given because nothing is left inside."""
    nothing = OFFER.within(grant_types=())
    public = OFFER.within(grant_types=(CREDENTIALS,), token_endpoint_auth_methods=("none",))

    assert [UNUSABLE] == [rule for _, _, rule in problems_of(nothing, redirect_uris=URIS)]
    assert [UNUSABLE] == [rule for _, _, rule in problems_of(public, redirect_uris=URIS)]


def test_without_any_method_left_the_default_is_still_not_offered():
    """The answer is a refusal by the policy, not a client that authenticates anyhow."""
    closed = OFFER.within(token_endpoint_auth_methods=())

    found = problems_of(closed, redirect_uris=URIS)

    rule = "must be among token_endpoint_auth_methods_supported"
    assert [("invalid_client_metadata", "token_endpoint_auth_method", rule)] == found


APPROVING = offer_for("rfc9700", DEVELOPMENT_SCOPES, features=frozenset({Feature.APPROVALS}))
SCOPES = {
    "none-asked": (None, "openid profile email address phone offline_access read write", None),
    "empty": ("", "openid profile email address phone offline_access read write", None),
    "spaces": ("  ", "openid profile email address phone offline_access read write", None),
    "as-asked": ("write openid", "write openid", None),
    "unknown-left-out": ("read nope", "read", None),
    "restricted-waits": ("read admin", "read", "admin"),
    "several-wait": ("dcr read nope admin", "read", "dcr admin"),
    "openid-is-legal": ("openid", "openid", None),
}


@pytest.mark.spec("A-029", "T-53", "T-54", "A-038")
@pytest.mark.parametrize(("asked", "granted", "pending"), SCOPES.values(), ids=SCOPES.keys())
@pytest.mark.parametrize("offer", [OFFER, APPROVING], ids=["nobody-approves", "approvals"])
def test_scopes_are_narrowed_to_what_there_is(offer, asked, granted, pending):
    """A client without a scope could do nothing, and one without a reason gets no more.

    What it may wait for is told only where somebody will ever decide.
    """
    result = resolved(offer, redirect_uris=URIS, scope=asked)

    assert () == result.problems
    assert granted == result.metadata["scope"]
    assert (pending if offer is APPROVING else None) == result.pending_scope
    source = result.provenance.get("scope")
    assert ("default" if not (asked or "").strip() else source) == source
    assert ("scope" in result.narrowed) is (source == "narrowed")


@pytest.mark.spec("A-029")
@pytest.mark.parametrize("asked", ["nope", "admin", "dcr admin nope"])
def test_a_scope_of_which_nothing_can_be_granted_is_refused(asked):
    """Something else than what was asked for would be worse than nothing."""
    found = problems_of(redirect_uris=URIS, scope=asked)

    rule = "must hold a scope that this issuer grants"
    assert [("invalid_client_metadata", "scope", rule)] == found


def test_once_there_are_approvals_a_client_may_wait_with_nothing():
    """It exists, can read itself, and is told what it waits for."""
    result = resolved(APPROVING, redirect_uris=URIS, scope="admin nope")

    assert () == result.problems
    assert "scope" not in result.metadata
    assert "admin" == result.pending_scope
    assert [("scope", "must hold a scope that this issuer grants")] == [
        (field, rule) for _, field, rule in problems_of(APPROVING, redirect_uris=URIS, scope="nope")
    ]


def test_an_issuer_without_scopes_gives_none():
    """An empty member would break clients that read the answer strictly."""
    result = resolved(offer_for("rfc9700", ()), redirect_uris=URIS)

    assert () == result.problems
    assert "scope" not in result.metadata
