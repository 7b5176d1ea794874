"""An ID token signs in one person at one client, once asked for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwt as other_jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from registrary.core.jose import JoseError, UnknownKey
from registrary.core.jose.hashes import left_half_hash
from registrary.core.jose.id_token import IdTokenRules, read_id_token_hint, verify_id_token
from registrary.core.secrets import Secret

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://op.example"
ACCESS_TOKEN = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
# Any: the classes share their methods by convention only.
KEYS: dict[str, Any] = {
    "RS256": RSAKey.import_key(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "ES256": ECKey.import_key(ec.generate_private_key(ec.SECP256R1())),
}
JWKS = {"keys": [key.as_dict(private=False) for key in KEYS.values()]}
SECRET = Secret("s" * 43)
SIGNING = ("RS256", "ES256")


def id_token(alg="RS256", key=None, typ=..., **changes):
    """Return an ID token as the other library signs it, but for what is changed."""
    good = {
        "iss": ISSUER,
        "sub": "p",
        "aud": "c",
        "exp": SECONDS + 300,
        "iat": SECONDS,
        "nonce": "n",
        **changes,
    }
    claims = {name: value for name, value in good.items() if value is not ...}
    header = {"alg": alg} if typ is ... else {"alg": alg, "typ": typ}
    return other_jwt.encode(header, claims, key or KEYS[alg], algorithms=[alg])


def verified(text, keys=JWKS, **changes):
    """Return the claims of *text* as client ``c`` judges them at `NOW`."""
    rules = {
        "issuer": ISSUER,
        "client_id": "c",
        "algorithms": SIGNING,
        "nonce": "n",
        **changes,
    }
    return verify_id_token(text, keys, IdTokenRules(**rules), now=NOW)


@pytest.mark.parametrize("alg", KEYS)
@pytest.mark.parametrize("typ", [..., "JWT"])
def test_a_good_id_token_signs_in(alg, typ):
    """Providers sign with what they like, of what we allow."""
    found = verified(id_token(alg, typ=typ))

    assert "p" == found.members["sub"]


def test_an_id_token_under_the_secret_signs_in():
    """Some providers know HS256 alone."""
    text = id_token("HS256", OctKey.import_key(SECRET.reveal()))

    found = verified(text, [SECRET], algorithms=["HS256"])

    assert "p" == found.members["sub"]


WRONG = {
    "another-issuer": id_token(iss="https://evil.example"),
    "issuer-with-slash": id_token(iss=f"{ISSUER}/"),
    "another-client": id_token(aud="d"),
    "another-client-too": id_token(aud=["c", "d"], azp="c"),
    "no-client": id_token(aud=...),
    "clients-are-numbers": id_token(aud=[1]),
    "clients-are-objects": id_token(aud=["c", {}]),
    "authorized-another": id_token(azp="d"),
    "expired": id_token(exp=SECONDS),
    "no-expiry": id_token(exp=...),
    "issued-later": id_token(iat=SECONDS + 61),
    "no-issue-time": id_token(iat=...),
    "another-nonce": id_token(nonce="m"),
    "no-nonce": id_token(nonce=...),
    "nonce-is-number": id_token(nonce=1),
    "no-subject": id_token(sub=...),
    "empty-subject": id_token(sub=""),
    "long-subject": id_token(sub="s" * 256),
    "access-token": id_token(typ="at+jwt"),
    "logout-token": id_token(typ="logout+jwt"),
    "symmetric": id_token("HS256", OctKey.import_key("s" * 43)),
    "auth-time-is-text": id_token(auth_time="now"),
    "not-a-token": "x",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
@pytest.mark.spec("J-041", "J-042")
def test_an_id_token_with_one_fault_signs_nobody_in(text):
    """Core §3.1.3.7: each check left out let one account take over another somewhere."""
    with pytest.raises(JoseError):
        verified(text)


def test_a_key_that_is_not_known_may_be_new():
    """Providers rotate keys without asking; the set is fetched again."""
    with pytest.raises(UnknownKey):
        verified(id_token(key=RSAKey.generate_key(2048)))


def test_an_audience_we_trust_may_be_named_beside_us():
    """Some providers always name their project; then azp has to say who asked."""
    trusted = {"trusted_audiences": frozenset({"project"})}

    found = verified(id_token(aud=["c", "project"], azp="c"), **trusted)

    assert "p" == found.members["sub"]
    with pytest.raises(JoseError):
        verified(id_token(aud=["c", "project"]), **trusted)


@pytest.mark.parametrize(
    ("auth_time", "is_fresh"), [(SECONDS - 360, True), (SECONDS - 361, False), (..., False)]
)
@pytest.mark.spec("J-043")
def test_a_recent_proof_is_recent(auth_time, is_fresh):
    """Asked for a fresh sign-in, a provider that skips it must be noticed."""
    text = id_token(auth_time=auth_time)
    rules = {"max_age": timedelta(minutes=5)}

    if is_fresh:
        assert "p" == verified(text, **rules).members["sub"]
    else:
        with pytest.raises(JoseError):
            verified(text, **rules)


@pytest.mark.parametrize(
    ("at_hash", "fits"),
    [
        (..., True),
        (left_half_hash(ACCESS_TOKEN, alg="RS256"), True),
        ("77QmUPtjPfzWtF2AnpK9RR", False),
        (None, False),
    ],
    ids=["absent", "good", "bad", "null"],
)
def test_an_access_token_of_somebody_else_is_noticed(at_hash, fits):
    """UserInfo asked with a swapped token would describe another person."""
    text = id_token(at_hash=at_hash)
    rules = {"access_token": Secret(ACCESS_TOKEN)}

    if fits:
        assert "p" == verified(text, **rules).members["sub"]
    else:
        with pytest.raises(JoseError):
            verified(text, **rules)


def hint(text, keys=JWKS, algorithms=SIGNING):
    """Return the claims of an ID token of ours, sent back as a hint."""
    return read_id_token_hint(text, keys, issuer=ISSUER, algorithms=algorithms)


def test_an_expired_id_token_is_still_a_hint():
    """RP-Initiated Logout §2: people sign out days after they signed in."""
    found = hint(id_token(exp=SECONDS - 10**6))

    assert ("p", "c") == (found["sub"], found["aud"])


@pytest.mark.parametrize(
    "text",
    [
        id_token(iss="https://evil.example"),
        id_token(typ="at+jwt"),
        id_token(exp=...),
        id_token(iat=...),
        id_token(sub=...),
        id_token(key=RSAKey.generate_key(2048)),
    ],
    ids=["issuer", "access-token", "no-expiry", "no-issue-time", "no-subject", "key"],
)
def test_what_we_did_not_make_as_an_id_token_is_no_hint(text):
    """A hint can end sessions and skip questions, so not just any text will do."""
    with pytest.raises(JoseError):
        hint(text)
