"""Tokens by which the server tells others something, each of its own kind."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt as other_jwt
from joserfc.jwk import ECKey

from registrary.core.jose import load_private_key, sign_jwt
from registrary.core.jose.statements import (
    INTROSPECTION_TYPE,
    LOGOUT_EVENT,
    LOGOUT_TYPE,
    SECURITY_EVENT_TYPE,
    STATUS_LIST_TYPE,
    Statement,
    introspection_claims,
    logout_claims,
    response_claims,
    security_event_claims,
    status_claim,
    status_list_claims,
    userinfo_claims,
)
from registrary.core.status_list import encode_status_list

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
STATEMENT = Statement(issuer="https://as.example", audience="c", issued_at=NOW, jti="j")
PARTIES = {"iss": "https://as.example", "aud": "c"}
PRIVATE = ec.generate_private_key(ec.SECP256R1())


def read(claims, typ):
    """Return header and claims as another library reads what we sign."""
    der = PRIVATE.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    text = sign_jwt(claims, load_private_key(der, alg="ES256", kid="k"), typ=typ)
    token = other_jwt.decode(text, ECKey.import_key(PRIVATE.public_key()), algorithms=["ES256"])
    return token.header["typ"], token.claims


@pytest.mark.spec("J-050")
def test_an_introspection_answer_stays_apart_from_its_envelope():
    """RFC 9701 §8.1: with sub and exp on top it could be used as an access token."""
    typ, claims = read(
        introspection_claims(STATEMENT, {"active": True, "sub": "p", "exp": 1}),
        INTROSPECTION_TYPE,
    )

    assert "token-introspection+jwt" == typ
    assert {
        **PARTIES,
        "iat": SECONDS,
        "token_introspection": {"active": True, "sub": "p", "exp": 1},
    } == claims


def test_a_userinfo_answer_says_who_speaks_to_whom():
    """A person's own claims can never take the place of the issuer's."""
    claims = userinfo_claims(STATEMENT, {"sub": "p", "iss": "https://evil.example", "aud": "d"})

    assert {**PARTIES, "sub": "p"} == claims


@pytest.mark.spec("J-054")
def test_an_authorization_response_is_short_lived():
    """JARM §2.1: a response that lies about must not be good tomorrow."""
    _, claims = read(response_claims(STATEMENT, {"code": "x", "state": "s", "aud": "d"}), "JWT")

    assert {**PARTIES, "code": "x", "state": "s", "exp": SECONDS + 600} == claims


@pytest.mark.parametrize(
    "about", [{"sub": "p", "sid": None}, {"sub": None, "sid": "s"}, {"sub": "p", "sid": "s"}]
)
@pytest.mark.spec("J-051", "J-052")
def test_a_logout_token_names_whom_it_is_about(about):
    """Back-Channel Logout §2.4: clients find the sessions by one or both."""
    typ, claims = read(logout_claims(STATEMENT, **about), LOGOUT_TYPE)

    assert "logout+jwt" == typ
    assert {
        **PARTIES,
        **{name: value for name, value in about.items() if value},
        "iat": SECONDS,
        "exp": SECONDS + 120,
        "jti": "j",
        "events": {LOGOUT_EVENT: {}},
    } == claims


def test_a_logout_token_about_nobody_is_an_error():
    """A client would refuse it, and somebody would stay signed in."""
    with pytest.raises(ValueError, match="subject or a session"):
        logout_claims(STATEMENT, sub=None, sid=None)


@pytest.mark.spec("J-053")
def test_a_security_event_says_what_happened_to_what():
    """RFC 8417 §2.2: one event, a subject of RFC 9493 beside it, and no expiry."""
    event = "https://schemas.openid.net/secevent/oauth/event-type/token-revoked"
    subject = {"format": "opaque", "id": "c"}

    typ, claims = read(
        security_event_claims(STATEMENT, event=event, subject=subject, details={"reason": "x"}),
        SECURITY_EVENT_TYPE,
    )

    assert "secevent+jwt" == typ
    assert {
        **PARTIES,
        "iat": SECONDS,
        "jti": "j",
        "sub_id": subject,
        "events": {event: {"reason": "x"}},
    } == claims


def test_a_security_event_without_details_is_an_empty_object():
    """RFC 8417 §2.2: an event without a payload is an empty object, never null."""
    claims = security_event_claims(STATEMENT, event="urn:e")

    assert ({"urn:e": {}}, False) == (claims["events"], "sub_id" in claims)


@pytest.mark.spec("J-056")
def test_a_status_list_names_itself_and_its_keeping():
    """Token Status List §5.1, with the example's list."""
    uri = "https://as.example/status-lists/1"

    typ, claims = read(
        status_list_claims(
            issuer="https://as.example",
            uri=uri,
            packed=b"\xb9\xa3",
            bits=1,
            issued_at=NOW,
            lifetime=timedelta(hours=1),
            ttl=timedelta(seconds=60),
        ),
        STATUS_LIST_TYPE,
    )

    assert "statuslist+jwt" == typ
    assert {
        "iss": "https://as.example",
        "sub": uri,
        "iat": SECONDS,
        "exp": SECONDS + 3600,
        "ttl": 60,
        "status_list": {"bits": 1, "lst": encode_status_list(b"\xb9\xa3")},
    } == claims


def test_a_token_names_its_place():
    """Token Status List §6.1: idx and uri are what verifiers look up."""
    assert {"status_list": {"idx": 7, "uri": "https://as.example/status-lists/1"}} == status_claim(
        uri="https://as.example/status-lists/1", index=7
    )
