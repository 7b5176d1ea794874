"""Algorithms, keys, secrets and certificates have to suit each other."""

import pytest

from registrary.core.metadata import Feature, in_deciding_order, offer_for, parse_document
from registrary.core.metadata.algorithms import is_symmetric_encryption
from registrary.core.scope import NORMAL_SCOPES
from registrary.policy.consistency import (
    is_public,
    needs_recoverable_secret,
    needs_secret,
    resolve,
    secret_octets,
)

OFFER = offer_for("rfc9700", NORMAL_SCOPES)
EVERYTHING = offer_for("oidf-dynamic", NORMAL_SCOPES, features=frozenset(Feature))
URIS = ["https://client.example/cb"]
JWKS_URI = "https://client.example/jwks"
KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
JWKS = {"keys": [KEY]}


def judged(offer=OFFER, values=None, **document):
    """Return the resulting client and all that is wrong, as members and rules.

    *values* are taken as parsed already, for what no offer lists yet.
    """
    parsed = parse_document({"redirect_uris": URIS, **document}, offer)
    unusable = [problem.field for problem in parsed.problems]
    result = resolve(parsed.values | (values or {}), offer, unusable=unusable)
    problems = in_deciding_order((*parsed.problems, *result.problems))
    return result, [(problem.field, problem.rule) for problem in problems]


@pytest.mark.spec("A-040", "A-031", "A-032", "A-107")
def test_keys_come_by_value_or_by_reference():
    """With both nobody could say which of them counts."""
    _, both = judged(jwks=JWKS, jwks_uri=JWKS_URI)
    _, nulled = judged(jwks=JWKS, jwks_uri=None)
    _, emptied = judged(jwks=JWKS, jwks_uri="")

    assert [("jwks", "must not be given together with jwks_uri")] == both
    assert [] == nulled
    assert [] == emptied


METHODS = {
    "key-method-any-algorithm": ("private_key_jwt", None, None),
    "key-method-es256": ("private_key_jwt", "ES256", None),
    "key-method-eddsa": ("private_key_jwt", "EdDSA", None),
    "key-method-mac": ("private_key_jwt", "HS256", "must suit token_endpoint_auth_method"),
    "secret-method-mac": ("client_secret_jwt", "HS256", None),
    "secret-method-signature": (
        "client_secret_jwt",
        "RS256",
        "must suit token_endpoint_auth_method",
    ),
    "key-method-none": (
        "private_key_jwt",
        "none",
        "must be among token_endpoint_auth_signing_alg_values_supported",
    ),
    "secret-method-none": (
        "client_secret_jwt",
        "none",
        "must be among token_endpoint_auth_signing_alg_values_supported",
    ),
    "unheard-of": (
        "private_key_jwt",
        "RS1",
        "must be among token_endpoint_auth_signing_alg_values_supported",
    ),
    "secret-method-longer-mac": (
        "client_secret_jwt",
        "HS512",
        "must be among token_endpoint_auth_signing_alg_values_supported",
    ),
}


@pytest.mark.spec("C-017", "C-018", "C-027", "E-100")
@pytest.mark.parametrize(("method", "algorithm", "rule"), METHODS.values(), ids=METHODS.keys())
def test_the_algorithm_of_assertions_suits_the_method(method, algorithm, rule):
    """A MAC verified by a public key, or no signature at all, would be forged by anyone."""
    result, found = judged(
        token_endpoint_auth_method=method,
        token_endpoint_auth_signing_alg=algorithm,
        jwks_uri=JWKS_URI,
    )

    assert ([("token_endpoint_auth_signing_alg", rule)] if rule else []) == found
    assert algorithm == result.metadata.get("token_endpoint_auth_signing_alg")


@pytest.mark.spec("C-018")
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("algorithm", ["ES256", "HS256", "none", "unheard-of"])
def test_without_an_assertion_its_algorithm_is_dropped(method, algorithm):
    """It means nothing there, right or wrong, and is not echoed."""
    result, found = judged(
        token_endpoint_auth_method=method, token_endpoint_auth_signing_alg=algorithm
    )

    assert [] == found
    assert "token_endpoint_auth_signing_alg" not in result.metadata
    assert ("token_endpoint_auth_signing_alg",) == result.dropped


NEEDING_KEYS = {
    "private_key_jwt": {"token_endpoint_auth_method": "private_key_jwt"},
    "self_signed": {"token_endpoint_auth_method": "self_signed_tls_client_auth"},
    "signed-requests": {"request_object_signing_alg": "ES256"},
    "id_token": {"id_token_encrypted_response_alg": "RSA-OAEP-256"},
    "userinfo": {"userinfo_encrypted_response_alg": "ECDH-ES"},
    "introspection": {"introspection_encrypted_response_alg": "ECDH-ES"},
    "authorization": {"authorization_encrypted_response_alg": "ECDH-ES"},
    "ciba": {
        "backchannel_authentication_request_signing_alg": "ES256",
        "backchannel_token_delivery_mode": "poll",
        "grant_types": ["authorization_code", "urn:openid:params:grant-type:ciba"],
    },
}


@pytest.mark.spec("C-024", "E-021", "C-013", "C-014", "C-016")
@pytest.mark.parametrize("document", NEEDING_KEYS.values(), ids=NEEDING_KEYS.keys())
def test_what_takes_the_clients_keys_demands_them(document):
    """Otherwise the client learns at its first request that it can never work."""
    named = next(iter(document))

    _, without = judged(EVERYTHING, **document)
    _, by_reference = judged(EVERYTHING, **document, jwks_uri=JWKS_URI)

    assert [("jwks", f"must be given, or jwks_uri, for this {named}")] == without
    assert [] == by_reference


@pytest.mark.spec("C-024", "C-016", "C-015")
@pytest.mark.parametrize(
    "document",
    [
        {"request_object_signing_alg": "none"},
        {"request_object_encryption_alg": "ECDH-ES"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
    ],
    ids=["unsigned-requests", "encrypted-to-the-server", "secret"],
)
def test_what_takes_other_keys_does_not_demand_the_clients(document):
    """A request object is encrypted by the server's key, a MAC is keyed by the secret."""
    _, found = judged(EVERYTHING, **document)

    assert [] == found


@pytest.mark.spec("C-025", "A-130")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id_token_signed_response_alg", "HS256"),
        ("userinfo_signed_response_alg", "HS512"),
        ("request_object_signing_alg", "HS256"),
        ("introspection_signed_response_alg", "HS256"),
        ("authorization_signed_response_alg", "HS384"),
        ("id_token_encrypted_response_alg", "dir"),
        ("userinfo_encrypted_response_alg", "A128KW"),
        ("request_object_encryption_alg", "PBES2-HS256+A128KW"),
        ("introspection_encrypted_response_alg", "A256GCMKW"),
        ("authorization_encrypted_response_alg", "A192KW"),
    ],
)
def test_a_client_without_a_secret_has_nothing_keyed_by_one(name, value):
    """The key would be empty, or known to everybody."""
    values = {name: value}

    public, found = judged(EVERYTHING, values, token_endpoint_auth_method="none")
    confidential, fine = judged(
        EVERYTHING, values, token_endpoint_auth_method="private_key_jwt", jwks_uri=JWKS_URI
    )

    assert [(name, "must not be keyed by a secret for a client without one")] == found
    assert is_public(public.metadata)
    assert [] == fine
    assert not is_public(confidential.metadata)
    assert needs_recoverable_secret(confidential.metadata)


@pytest.mark.spec("C-013", "C-014", "C-016", "E-070", "E-071")
@pytest.mark.parametrize(
    "prefix",
    [
        "id_token_encrypted_response",
        "userinfo_encrypted_response",
        "request_object_encryption",
        "introspection_encrypted_response",
        "authorization_encrypted_response",
    ],
)
def test_an_encoding_comes_with_its_algorithm_and_has_a_default(prefix):
    """``enc`` alone says how to encrypt with a key nobody wraps."""
    alone, found = judged(EVERYTHING, **{f"{prefix}_enc": "A256GCM"}, jwks_uri=JWKS_URI)
    named, fine = judged(EVERYTHING, **{f"{prefix}_alg": "ECDH-ES"}, jwks_uri=JWKS_URI)

    assert [(f"{prefix}_enc", f"must come with {prefix}_alg")] == found
    assert [] == fine
    assert "A128CBC-HS256" == named.metadata[f"{prefix}_enc"]
    assert "default" == named.provenance[f"{prefix}_enc"]
    assert f"{prefix}_enc" not in alone.provenance


@pytest.mark.spec("C-012", "T-57")
@pytest.mark.parametrize(
    ("types", "is_fine"),
    [
        (["code"], True),
        (["code token"], True),
        (["id_token"], False),
        (["id_token token"], False),
        (["code", "code id_token"], False),
        (["code id_token token"], False),
    ],
)
def test_unsigned_id_tokens_come_from_the_token_endpoint_alone(types, is_fine):
    """Authlib looked at another member and let a browser carry tokens that anyone can write."""
    _, found = judged(EVERYTHING, response_types=types, id_token_signed_response_alg="none")

    rule = "must not be none when response_types has a type with id_token"
    assert ([] if is_fine else [("id_token_signed_response_alg", rule)]) == found


@pytest.mark.spec("C-012")
def test_unsigned_id_tokens_are_not_offered_by_current_practice():
    """The rule above is for certification alone."""
    _, found = judged(id_token_signed_response_alg="none")

    rule = "must be among id_token_signing_alg_values_supported"
    assert [("id_token_signed_response_alg", rule)] == found


SUBJECTS = {
    "tls_client_auth_subject_dn": "CN=client",
    "tls_client_auth_san_dns": "client.example",
    "tls_client_auth_san_uri": "urn:example:client",
    "tls_client_auth_san_ip": "192.0.2.1",
    "tls_client_auth_san_email": "ops@client.example",
}


@pytest.mark.spec("E-020")
@pytest.mark.parametrize("name", SUBJECTS)
def test_a_certificate_may_be_named_in_five_ways(name):
    """Any one of them tells the client's certificate from all others."""
    result, found = judged(
        EVERYTHING, token_endpoint_auth_method="tls_client_auth", **{name: SUBJECTS[name]}
    )

    assert [] == found
    assert SUBJECTS[name] == result.metadata[name]


@pytest.mark.spec("E-020")
def test_a_certificate_is_named_in_exactly_one_way():
    """With two names it is unclear whether either or both have to fit."""
    _, none = judged(EVERYTHING, token_endpoint_auth_method="tls_client_auth")
    _, all_five = judged(EVERYTHING, token_endpoint_auth_method="tls_client_auth", **SUBJECTS)

    rule = "must be given, or one other member of this kind, for tls_client_auth"
    assert [("tls_client_auth_subject_dn", rule)] == none
    again = "must not be given together with tls_client_auth_subject_dn"
    assert [(name, again) for name in list(SUBJECTS)[1:]] == all_five


@pytest.mark.spec("E-024")
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "self_signed_tls_client_auth"])
def test_names_of_a_certificate_beside_another_method_are_dropped(method):
    """They mean nothing there."""
    result, found = judged(
        EVERYTHING,
        token_endpoint_auth_method=method,
        jwks_uri=JWKS_URI,
        tls_client_auth_san_dns="client.example",
    )

    assert [] == found
    assert "tls_client_auth_san_dns" not in result.metadata


@pytest.mark.spec("E-021")
def test_a_self_signed_certificate_is_among_the_registered_keys():
    """The certificate itself is what the client is known by."""
    document = {"token_endpoint_auth_method": "self_signed_tls_client_auth"}
    with_certificate = {"jwks": {"keys": [KEY, KEY | {"x5c": ["MII"]}]}}

    _, without = judged(EVERYTHING, **document, jwks=JWKS)
    _, fine = judged(EVERYTHING, with_certificate, **document)

    assert [("jwks", "must hold a key with x5c for this method")] == without
    assert [] == fine


@pytest.mark.spec("E-012", "E-010", "E-022")
def test_tokens_are_bound_in_one_way():
    """No resource server expects two proofs."""
    _, found = judged(
        EVERYTHING, dpop_bound_access_tokens=True, tls_client_certificate_bound_access_tokens=True
    )

    rule = "must not be true together with tls_client_certificate_bound_access_tokens"
    assert [("dpop_bound_access_tokens", rule)] == found


@pytest.mark.spec("E-012")
@pytest.mark.parametrize(
    "name", ["dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"]
)
@pytest.mark.parametrize(
    ("type_", "is_fine"),
    [("code", True), ("id_token", True), ("code token", False), ("id_token token", False)],
)
def test_bound_tokens_do_not_come_from_the_authorization_endpoint(name, type_, is_fine):
    """There is no proof of possession in a redirect."""
    _, found = judged(EVERYTHING, response_types=[type_], **{name: True})

    rule = "must not be true when response_types has a type with token"
    assert ([] if is_fine else [(name, rule)]) == found


@pytest.mark.spec("E-030", "E-031")
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"request_object_signing_alg": "ES256", "jwks_uri": JWKS_URI}, []),
        ({"jwks_uri": JWKS_URI}, []),
        (
            {"request_object_signing_alg": "none"},
            [
                (
                    "request_object_signing_alg",
                    "must not be none when require_signed_request_object is true",
                )
            ],
        ),
        (
            {},
            [
                (
                    "require_signed_request_object",
                    "must not be true without jwks, jwks_uri or a secret to sign with",
                )
            ],
        ),
        ({"require_signed_request_object": False}, []),
    ],
    ids=["signed", "keys", "unsigned", "no-keys", "not-demanded"],
)
def test_signatures_are_demanded_of_those_who_can_sign(document, expected):
    """A client would lock itself out."""
    _, found = judged(EVERYTHING, **{"require_signed_request_object": True, **document})

    assert expected == found


SECRETS = {
    # metadata, needs a secret, needs to be read back
    "basic": ({"token_endpoint_auth_method": "client_secret_basic"}, True, False),
    "post": ({"token_endpoint_auth_method": "client_secret_post"}, True, False),
    "secret-jwt": ({"token_endpoint_auth_method": "client_secret_jwt"}, True, True),
    "key-jwt": ({"token_endpoint_auth_method": "private_key_jwt"}, False, False),
    "none": ({"token_endpoint_auth_method": "none"}, False, False),
    "tls": ({"token_endpoint_auth_method": "tls_client_auth"}, False, False),
    "self-signed": ({"token_endpoint_auth_method": "self_signed_tls_client_auth"}, False, False),
    "key-jwt-and-mac": (
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "id_token_signed_response_alg": "HS256",
        },
        True,
        True,
    ),
    "key-jwt-and-symmetric": (
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "request_object_encryption_alg": "dir",
        },
        True,
        True,
    ),
    "basic-and-mac": (
        {
            "token_endpoint_auth_method": "client_secret_basic",
            "request_object_signing_alg": "HS256",
        },
        True,
        True,
    ),
    "basic-and-signature": (
        {
            "token_endpoint_auth_method": "client_secret_basic",
            "id_token_signed_response_alg": "RS256",
            "id_token_encrypted_response_alg": "RSA-OAEP-256",
        },
        True,
        False,
    ),
}


@pytest.mark.spec("A-110", "A-103", "T-05", "T-06", "T-07")
@pytest.mark.parametrize(
    ("metadata", "is_needed", "is_read_back"), SECRETS.values(), ids=SECRETS.keys()
)
def test_a_secret_is_made_where_something_needs_it(metadata, is_needed, is_read_back):
    """One too many leaks; one too few leaves the client without its method."""
    assert is_needed is needs_secret(metadata)
    assert is_read_back is needs_recoverable_secret(metadata)


@pytest.mark.spec("C-026")
@pytest.mark.parametrize(
    ("metadata", "octets"),
    [
        ({}, 32),
        ({"token_endpoint_auth_signing_alg": "HS256"}, 32),
        ({"id_token_signed_response_alg": "HS384"}, 48),
        ({"request_object_signing_alg": "HS512", "userinfo_signed_response_alg": "HS256"}, 64),
        ({"id_token_signed_response_alg": "RS512"}, 32),
    ],
)
def test_a_secret_is_as_long_as_the_macs_it_keys(metadata, octets):
    """OpenID Connect Core §16.19."""
    assert octets == secret_octets(metadata)


@pytest.mark.parametrize(
    ("algorithm", "is_symmetric"),
    [
        ("dir", True),
        ("A128KW", True),
        ("A256GCMKW", True),
        ("PBES2-HS512+A256KW", True),
        ("RSA-OAEP-256", False),
        ("ECDH-ES", False),
        ("ECDH-ES+A128KW", False),
    ],
)
def test_wrapping_by_the_secret_is_told_from_wrapping_by_a_key(algorithm, is_symmetric):
    """``ECDH-ES+A128KW`` ends like a symmetric one and is none (RFC 7518 §4.1)."""
    assert is_symmetric is is_symmetric_encryption(algorithm)
