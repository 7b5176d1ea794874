"""The table of client metadata, whole: a row that changes, changes here too."""

import re

import pytest

from registrary.core.metadata import BY_NAME, FIELDS, POSITION, SERVER_MEMBERS, Feature
from registrary.core.metadata.grants import GRANT_TYPES, RESPONSE_TYPES
from registrary.core.metadata.offer import FLAGS
from registrary.core.metadata.table import base_name, position

REDIRECT, METADATA, STATEMENT = (
    "invalid_redirect_uri",
    "invalid_client_metadata",
    "invalid_software_statement",
)
OIDCR = "OpenID Connect Registration §2"

# name, section, default, announced by, feature
GOLDEN = [
    ("redirect_uris", "RFC 7591 §2", None, "", ""),
    (
        "token_endpoint_auth_method",
        "RFC 7591 §2",
        "client_secret_basic",
        "token_endpoint_auth_methods_supported",
        "",
    ),
    ("grant_types", "RFC 7591 §2", ["authorization_code"], "grant_types_supported", ""),
    ("response_types", "RFC 7591 §2", ["code"], "response_types_supported", ""),
    ("client_name", "RFC 7591 §2", None, "", ""),
    ("client_uri", "RFC 7591 §2", None, "", ""),
    ("logo_uri", "RFC 7591 §2", None, "", ""),
    ("scope", "RFC 7591 §2", None, "scopes_supported", ""),
    ("contacts", "RFC 7591 §2", None, "", ""),
    ("tos_uri", "RFC 7591 §2", None, "", ""),
    ("policy_uri", "RFC 7591 §2", None, "", ""),
    ("jwks_uri", "RFC 7591 §2", None, "", ""),
    ("jwks", "RFC 7591 §2", None, "", ""),
    ("software_id", "RFC 7591 §2", None, "", ""),
    ("software_version", "RFC 7591 §2", None, "", ""),
    ("software_statement", "RFC 7591 §2.3", None, "", "software statements"),
    ("application_type", OIDCR, "web", "", ""),
    ("sector_identifier_uri", "OpenID Connect Registration §5", None, "", ""),
    ("subject_type", OIDCR, "public", "subject_types_supported", ""),
    (
        "id_token_signed_response_alg",
        OIDCR,
        "RS256",
        "id_token_signing_alg_values_supported",
        "",
    ),
    (
        "id_token_encrypted_response_alg",
        OIDCR,
        None,
        "id_token_encryption_alg_values_supported",
        "encrypted answers",
    ),
    (
        "id_token_encrypted_response_enc",
        OIDCR,
        None,
        "id_token_encryption_enc_values_supported",
        "encrypted answers",
    ),
    (
        "userinfo_signed_response_alg",
        OIDCR,
        None,
        "userinfo_signing_alg_values_supported",
        "signed userinfo",
    ),
    (
        "userinfo_encrypted_response_alg",
        OIDCR,
        None,
        "userinfo_encryption_alg_values_supported",
        "encrypted answers",
    ),
    (
        "userinfo_encrypted_response_enc",
        OIDCR,
        None,
        "userinfo_encryption_enc_values_supported",
        "encrypted answers",
    ),
    (
        "request_object_signing_alg",
        OIDCR,
        None,
        "request_object_signing_alg_values_supported",
        "request objects",
    ),
    (
        "request_object_encryption_alg",
        OIDCR,
        None,
        "request_object_encryption_alg_values_supported",
        "encrypted requests",
    ),
    (
        "request_object_encryption_enc",
        OIDCR,
        None,
        "request_object_encryption_enc_values_supported",
        "encrypted requests",
    ),
    (
        "token_endpoint_auth_signing_alg",
        OIDCR,
        None,
        "token_endpoint_auth_signing_alg_values_supported",
        "",
    ),
    ("default_max_age", OIDCR, None, "", ""),
    ("require_auth_time", OIDCR, False, "", ""),
    ("default_acr_values", OIDCR, None, "acr_values_supported", ""),
    ("initiate_login_uri", OIDCR, None, "", ""),
    ("request_uris", OIDCR, None, "", "request_uri by reference"),
    (
        "post_logout_redirect_uris",
        "OpenID Connect RP-Initiated Logout §3.1",
        None,
        "",
        "logout",
    ),
    (
        "backchannel_logout_uri",
        "OpenID Connect Back-Channel Logout §2.2",
        None,
        "",
        "back-channel logout",
    ),
    (
        "backchannel_logout_session_required",
        "OpenID Connect Back-Channel Logout §2.2",
        False,
        "",
        "back-channel logout",
    ),
    (
        "frontchannel_logout_uri",
        "OpenID Connect Front-Channel Logout §2",
        None,
        "",
        "front-channel logout",
    ),
    (
        "frontchannel_logout_session_required",
        "OpenID Connect Front-Channel Logout §2",
        False,
        "",
        "front-channel logout",
    ),
    (
        "require_pushed_authorization_requests",
        "RFC 9126 §6",
        False,
        "",
        "pushed authorization requests",
    ),
    ("dpop_bound_access_tokens", "RFC 9449 §5.2", False, "", "DPoP"),
    ("tls_client_certificate_bound_access_tokens", "RFC 8705 §3.4", False, "", "mutual TLS"),
    ("tls_client_auth_subject_dn", "RFC 8705 §2.1.2", None, "", "mutual TLS"),
    ("tls_client_auth_san_dns", "RFC 8705 §2.1.2", None, "", "mutual TLS"),
    ("tls_client_auth_san_uri", "RFC 8705 §2.1.2", None, "", "mutual TLS"),
    ("tls_client_auth_san_ip", "RFC 8705 §2.1.2", None, "", "mutual TLS"),
    ("tls_client_auth_san_email", "RFC 8705 §2.1.2", None, "", "mutual TLS"),
    ("require_signed_request_object", "RFC 9101 §10.5", False, "", "demanding signed requests"),
    (
        "authorization_details_types",
        "RFC 9396 §10",
        None,
        "authorization_details_types_supported",
        "rich authorization requests",
    ),
    *(
        (
            f"introspection_{member}",
            "RFC 9701 §6",
            None,
            f"introspection_{kind}_values_supported",
            "signed introspection",
        )
        for member, kind in (
            ("signed_response_alg", "signing_alg"),
            ("encrypted_response_alg", "encryption_alg"),
            ("encrypted_response_enc", "encryption_enc"),
        )
    ),
    *(
        (
            f"authorization_{member}",
            "JARM §3",
            None,
            f"authorization_{kind}_values_supported",
            "signed authorization responses",
        )
        for member, kind in (
            ("signed_response_alg", "signing_alg"),
            ("encrypted_response_alg", "encryption_alg"),
            ("encrypted_response_enc", "encryption_enc"),
        )
    ),
    *(
        (name, "CIBA §4", default, listed, "client-initiated backchannel authentication")
        for name, default, listed in (
            ("backchannel_token_delivery_mode", None, "backchannel_token_delivery_modes_supported"),
            ("backchannel_client_notification_endpoint", None, ""),
            (
                "backchannel_authentication_request_signing_alg",
                None,
                "backchannel_authentication_request_signing_alg_values_supported",
            ),
            ("backchannel_user_code_parameter", False, ""),
        )
    ),
]


def test_every_member_stands_in_the_table_as_its_specification_has_it():
    """A member that is forgotten, or moved in the order that decides codes, is noticed here."""
    rows = [
        (
            field.name,
            field.section,
            field.default,
            field.announced_by or "",
            field.feature.value if field.feature else "",
        )
        for field in FIELDS
    ]

    assert GOLDEN == rows


@pytest.mark.spec("A-068", "A-116", "T-24", "T-60b")
def test_codes_are_those_of_rfc_7591():
    """Clients act on the code: a bad redirect URI is something else than a bad name."""
    codes = {field.name: field.error for field in FIELDS}

    assert REDIRECT == codes.pop("redirect_uris")
    assert STATEMENT == codes.pop("software_statement")
    assert {METADATA} == set(codes.values())


@pytest.mark.spec("A-116")
def test_redirect_uris_come_first_of_all():
    """With several faults in a document the first row at fault names the code."""
    assert 0 == POSITION["redirect_uris"]


@pytest.mark.spec("A-024", "A-025", "A-026", "A-027", "A-028", "A-075", "C-007")
def test_texts_and_pages_for_people_have_languages_and_nothing_else_has():
    """RFC 7591 §2.2 names the members that may carry a tag."""
    tagged = {field.name for field in FIELDS if field.is_internationalized}

    assert {"client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"} == tagged


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_row_can_be_read_by_people_and_by_forms(field):
    """Manual, forms and API description are made of the rows."""
    assert re.fullmatch(r"[A-Z].+\.", field.sentence)
    assert re.match(r"(RFC \d+|OpenID Connect [\w\- ]+|JARM|CIBA) §\d", field.section)
    assert "type" in field.schema or "enum" in field.schema
    assert field is BY_NAME[field.name]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_default_is_a_value_the_member_can_have(field):
    """A default that would be refused when sent back breaks the next update."""
    default = field.default

    assert default is None or default == field.parse(default)


def test_the_servers_own_members_are_in_no_row():
    """No client can set what identifies it or what it proves itself with."""
    assert SERVER_MEMBERS.isdisjoint(BY_NAME)


def test_every_feature_is_of_use():
    """A feature that neither a row nor a rule nor a list names could not be switched on."""
    named = {field.feature for field in FIELDS} | set(FLAGS.values())
    by_rules_and_lists = {
        Feature.APPROVALS,
        Feature.CLIENT_AUTHORITIES,
        Feature.DEVICE_GRANT,
        Feature.HTTP_LOGOUT,
        Feature.JWT_BEARER_GRANT,
        Feature.TOKEN_EXCHANGE,
    }

    assert set(Feature) == (named - {None}) | by_rules_and_lists


def test_a_language_does_not_change_a_members_place():
    """``logo_uri#fr`` is judged, sorted and described as ``logo_uri``."""
    assert "logo_uri" == base_name("logo_uri#fr")
    assert POSITION["logo_uri"] == position("logo_uri#fr")
    assert len(FIELDS) == position("unheard_of")


@pytest.mark.spec("A-046", "A-045")
def test_each_response_type_names_its_grants():
    """Whoever adds one has to say what it goes together with (RFC 7591 §2.1)."""
    needed = {grant for grants in RESPONSE_TYPES.values() for grant in grants}
    redirecting = {name for name, grant in GRANT_TYPES.items() if grant.redirects}

    assert redirecting == needed


@pytest.mark.spec("E-120")
def test_the_password_grant_is_none_that_could_be_offered():
    """RFC 9700 §2.4 forbids it; no setting should bring it back."""
    assert "password" not in GRANT_TYPES
