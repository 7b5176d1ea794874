"""What an issuer offers is what it publishes, and what registration judges by."""

import pytest

from registrary.core.metadata import FIELDS, Feature, offer_for
from registrary.core.metadata.grants import GRANT_TYPES, RESPONSE_TYPES
from registrary.core.scope import DEVELOPMENT_SCOPES, NORMAL_SCOPES

OFFER = offer_for("rfc9700", NORMAL_SCOPES)
CERTIFYING = offer_for("oidf-dynamic", NORMAL_SCOPES)
EVERYTHING = offer_for(
    "oidf-dynamic",
    NORMAL_SCOPES,
    features=frozenset(Feature),
    authorization_details_types=("payment_initiation",),
)


@pytest.mark.spec(
    "E-120", "E-121", "E-122", "E-124", "C-042", "D-027", "D-034", "T-17", "D-028", "D-029"
)
def test_the_usual_rule_set_publishes_current_practice():
    """No token in the front channel, no password, PKCE with S256 (RFC 9700 §2)."""
    assert {
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
            "private_key_jwt",
            "none",
        ],
        "token_endpoint_auth_signing_alg_values_supported": [
            "ES256",
            "RS256",
            "PS256",
            "EdDSA",
            "Ed25519",
            "HS256",
        ],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
        "subject_types_supported": ["public", "pairwise"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email", "address", "phone", "offline_access"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    } == OFFER.announced()


@pytest.mark.spec("C-040", "C-042", "T-67", "D-032")
def test_certification_adds_what_a_dynamic_provider_must_have():
    """OpenID Connect Core §15.2 demands what RFC 9700 advises against."""
    announced = CERTIFYING.announced()

    assert "implicit" in announced["grant_types_supported"]
    assert [
        "code",
        "id_token",
        "id_token token",
        "code id_token",
        "code token",
        "code id_token token",
    ] == announced["response_types_supported"]
    assert announced["request_uri_parameter_supported"] is True
    assert announced["require_request_uri_registration"] is True
    assert {"none", "RS256"} <= set(announced["request_object_signing_alg_values_supported"])


@pytest.mark.spec("C-041", "D-026")
@pytest.mark.parametrize("offer", [OFFER, CERTIFYING, EVERYTHING], ids=["usual", "oidf", "all"])
def test_id_tokens_can_always_be_signed_by_rs256(offer):
    """Every OpenID client can verify it (Core §15.1)."""
    assert "RS256" in offer.announced()["id_token_signing_alg_values_supported"]


@pytest.mark.spec("E-120")
def test_unsigned_id_tokens_are_for_certification_alone():
    """They are only as safe as the connection they come by."""
    assert "none" not in OFFER.accepted["id_token_signing_alg_values_supported"]


def test_restricted_scopes_are_not_published():
    """What needs approval is not advertised to everyone."""
    offer = offer_for("rfc9700", DEVELOPMENT_SCOPES)

    assert {"admin", "dcr"}.isdisjoint(offer.announced()["scopes_supported"])


@pytest.mark.spec("D-005")
def test_an_issuer_without_scopes_publishes_no_empty_list():
    """Members with zero elements are left out."""
    announced = offer_for("rfc9700", ()).announced()

    assert "scopes_supported" not in announced
    assert all(value not in ([], None) for value in announced.values())


@pytest.mark.parametrize("feature", list(Feature))
def test_a_feature_publishes_no_more_than_its_own_lists(feature):
    """Switching one thing on must not bring another along."""
    offer = offer_for("rfc9700", NORMAL_SCOPES, features=frozenset({feature}))

    lists = {name for name in offer.accepted if name not in OFFER.accepted}

    rows = {field.announced_by for field in FIELDS if field.feature is feature}
    # The server's own: no client registers a value of these.
    rows |= {"dpop_signing_alg_values_supported", "authorization_grant_profiles_supported"}
    assert lists <= rows
    for name, values in OFFER.accepted.items():
        assert values == offer.accepted[name][: len(values)]


def test_lists_hold_only_what_is_known():
    """A grant or response type without a row could be registered and never judged."""
    assert set(EVERYTHING.grant_types) <= set(GRANT_TYPES)
    assert set(EVERYTHING.response_types) <= set(RESPONSE_TYPES)
    for values in EVERYTHING.accepted.values():
        assert len(values) == len(set(values))


def test_encryption_of_further_answers_takes_both_features():
    """What cannot be signed is not encrypted either (RFC 9701 §5, JARM §2.2)."""
    only_signed = offer_for(
        "rfc9700", NORMAL_SCOPES, features=frozenset({Feature.SIGNED_RESPONSES})
    )

    assert "authorization_encryption_alg_values_supported" not in only_signed.accepted
    assert "authorization_encryption_alg_values_supported" in EVERYTHING.accepted
    assert "introspection_encryption_enc_values_supported" in EVERYTHING.accepted


def test_equal_questions_have_the_same_answer():
    """What is made for an offer (readers, rules, defaults) is made once."""
    again = offer_for("rfc9700", NORMAL_SCOPES)
    ceiling = OFFER.within(grant_types=("client_credentials",))

    assert OFFER is again
    assert ceiling is OFFER.within(grant_types=["client_credentials"])


def test_a_ceiling_takes_away_and_adds_nothing():
    """A policy that names what the issuer does not offer gives nobody that."""
    ceiling = OFFER.within(
        grant_types=("client_credentials", "implicit"),
        token_endpoint_auth_methods=("private_key_jwt", "tls_client_auth"),
        scopes=("email", "admin"),
    )

    assert ("client_credentials",) == ceiling.grant_types
    assert ("private_key_jwt",) == ceiling.accepted["token_endpoint_auth_methods_supported"]
    assert ["email"] == [scope.name for scope in ceiling.scopes]
    assert OFFER.response_types == ceiling.response_types


def test_an_unknown_rule_set_is_a_mistake():
    """It must not quietly mean the laxer one."""
    with pytest.raises(KeyError):
        offer_for("rfc9701", NORMAL_SCOPES)
