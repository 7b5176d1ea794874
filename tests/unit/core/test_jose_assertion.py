"""A client assertion proves its client, to this server, once."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, RSAKey

from registrary.core.jose import (
    AssertionRefused,
    load_private_key,
    mac_handle,
    read_client_assertion,
    sign_jwt,
    verify_client_assertion,
)
from registrary.core.secrets import Secret

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ISSUER = "https://as.example"
AUDIENCES = frozenset({ISSUER, f"{ISSUER}/token"})
PRIVATE = ec.generate_private_key(ec.SECP256R1())
JWKS = {"keys": [{**ECKey.import_key(PRIVATE.public_key()).as_dict(), "kid": "k"}]}
SECRET = Secret("s" * 77)


def handle(private=PRIVATE, alg="ES256", kid="k"):
    """Return what signs for the client."""
    pkcs8 = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return load_private_key(pkcs8, alg=alg, kid=kid)


def assertion(signer=None, typ="JWT", **changes):
    """Return the text of a good assertion of client ``c``, but for what is changed."""
    members = {
        "iss": "c",
        "sub": "c",
        "aud": ISSUER,
        "jti": "j",
        "iat": NOW,
        "exp": NOW + timedelta(minutes=1),
        **changes,
    }
    present = {name: value for name, value in members.items() if value is not ...}
    return sign_jwt(present, signer or handle(), typ=typ)


def verified(text, **changes):
    """Return the assertion as verified for client ``c``."""
    arguments = {
        "client_id": "c",
        "keys": JWKS,
        "audiences": AUDIENCES,
        "algorithms": ["ES256"],
        "now": NOW,
        **changes,
    }
    return verify_client_assertion(read_client_assertion(text), **arguments)


@pytest.mark.spec("E-100")
def test_a_good_assertion_proves_its_client():
    """private_key_jwt works without a secret that could leak here."""
    found = verified(assertion())

    assert ("c", "j", NOW + timedelta(minutes=1)) == (
        found.claims.members["sub"],
        found.jti,
        found.expires_at,
    )


@pytest.mark.spec("E-100")
def test_a_good_assertion_under_a_secret_proves_its_client():
    """client_secret_jwt works while a secret is being replaced, too."""
    text = assertion(mac_handle(SECRET))

    found = verified(text, keys=[Secret("n" * 77), SECRET], algorithms=["HS256"])

    assert "j" == found.jti


@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt"])
def test_types_of_client_assertions_are_taken(typ):
    """Old and new clients say differently what they send."""
    assert "j" == verified(assertion(typ=typ)).jti


@pytest.mark.parametrize("audience", [*sorted(AUDIENCES), [ISSUER]], ids=str)
@pytest.mark.spec("E-100", "E-103")
def test_both_names_of_this_server_are_taken(audience):
    """Clients in use name the token endpoint, newer ones the issuer."""
    assert "j" == verified(assertion(aud=audience)).jti


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "at+jwt"},
        {"iss": "d"},
        {"iss": ...},
        {"sub": ...},
        {"sub": 1, "iss": 1},
        {"sub": "", "iss": ""},
        {"sub": "d", "iss": "d"},
        {"aud": "https://other.example"},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": ...},
        {"jti": ...},
        {"exp": ...},
        {"exp": NOW - timedelta(seconds=10)},
        {"exp": NOW + timedelta(hours=2)},
        {"iat": NOW + timedelta(minutes=5)},
        {"nbf": NOW + timedelta(minutes=5)},
    ],
    ids=str,
)
@pytest.mark.spec("E-100", "E-103")
def test_an_assertion_that_breaks_a_rule_is_refused(changes):
    """What was made for another server, purpose or time proves nothing here."""
    with pytest.raises(AssertionRefused) as refusal:
        verified(assertion(**changes))

    assert not refusal.value.keys_may_be_old


@pytest.mark.parametrize("text", ["", "a.b.c", "e30.e30.", "rgy_cs_secret"])
def test_what_is_no_token_is_refused(text):
    """A client that sends its secret as an assertion gets an answer, not a fault."""
    with pytest.raises(AssertionRefused):
        read_client_assertion(text)


def test_a_signature_by_an_unknown_key_asks_for_newer_keys():
    """A client that changed its keys gets in without waiting for our cache."""
    stranger = handle(ec.generate_private_key(ec.SECP256R1()), kid="new")

    with pytest.raises(AssertionRefused) as refusal:
        verified(assertion(stranger))

    assert refusal.value.keys_may_be_old


@pytest.mark.parametrize(
    ("signer", "keys", "algorithms"),
    [
        (mac_handle(SECRET), [Secret("o" * 77)], ["HS256"]),
        (mac_handle(SECRET), [], ["HS256"]),
        (mac_handle(SECRET), [SECRET], ["ES256", "RS256"]),
        (mac_handle(SECRET), JWKS, ["HS256"]),
        (handle(), [SECRET], ["ES256", "HS256"]),
        (handle(), JWKS, ["RS256"]),
    ],
    ids=["other secret", "no secret", "not allowed", "for keys", "for secrets", "other alg"],
)
@pytest.mark.spec("C-018", "E-100")
def test_methods_do_not_stand_for_each_other(signer, keys, algorithms):
    """A client registered with keys is not proved by a MAC, nor the other way round."""
    with pytest.raises(AssertionRefused) as refusal:
        verified(assertion(signer), keys=keys, algorithms=algorithms)

    assert not refusal.value.keys_may_be_old or keys is JWKS


def test_one_rsa_key_serves_both_rsa_algorithms():
    """A client may register one key and either algorithm."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    keys = {"keys": [RSAKey.import_key(private.public_key()).as_dict()]}

    for alg in ("RS256", "PS256"):
        text = assertion(handle(private, alg, kid=None))

        assert "j" == verified(text, keys=keys, algorithms=["RS256", "PS256"]).jti


@pytest.mark.spec("E-103")
def test_spent_assertions_are_told_apart_by_client_and_jti():
    """One client cannot use up the assertions of another."""
    first = verified(assertion())
    again = verified(assertion(exp=NOW + timedelta(minutes=2)))
    other_jti = verified(assertion(jti="k"))
    other_client = verified(assertion(iss="d", sub="d"), client_id="d")

    digests = [first.digest, again.digest, other_jti.digest, other_client.digest]

    assert first.digest == again.digest
    assert 3 == len(set(digests))
