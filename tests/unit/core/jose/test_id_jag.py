"""An ID-JAG lets one client in, here, for one person, once."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt as other_jwt
from joserfc.jwk import ECKey, OctKey

from registrary.core.jose import JoseError, UnknownKey
from registrary.core.jose.id_jag import IdJagRules, read_id_jag, verify_id_jag

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
PROVIDER = "https://idp.example"
SERVER = "https://as.example"
KEY = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
JWKS = {"keys": [KEY.as_dict(private=False)]}


def id_jag(typ="oauth-id-jag+jwt", alg="ES256", key=KEY, **changes):
    """Return an ID-JAG as the other library signs it, but for what is changed."""
    good = {
        "iss": PROVIDER,
        "sub": "p",
        "aud": SERVER,
        "client_id": "c",
        "jti": "j",
        "exp": SECONDS + 300,
        "iat": SECONDS,
        "resource": "https://mcp.example",
        "scope": "read",
        **changes,
    }
    claims = {name: value for name, value in good.items() if value is not ...}
    header = {"alg": alg, "typ": typ}
    present = {name: value for name, value in header.items() if value is not ...}
    return other_jwt.encode(present, claims, key, algorithms=[alg])


def verified(text, **changes):
    """Return the ID-JAG as the server judges it at `NOW`."""
    rules = {
        "issuer": PROVIDER,
        "audience": SERVER,
        "client_id": "c",
        "algorithms": ["ES256", "RS256"],
        **changes,
    }
    return verify_id_jag(read_id_jag(text), JWKS, IdJagRules(**rules), now=NOW)


def test_a_good_id_jag_is_taken():
    """What the token is good for is left to who issues one: resource and scope are claims."""
    found = verified(id_jag())

    assert ("p", "https://mcp.example", "read") == (
        found.subject,
        found.claims.members["resource"],
        found.claims.members["scope"],
    )


def test_the_issuer_is_known_before_anything_is_proved():
    """The keys to verify with are looked up by it, among those an issuer trusts."""
    assert PROVIDER == read_id_jag(id_jag()).issuer


@pytest.mark.parametrize("text", [id_jag(typ="JWT"), id_jag(iss=...), id_jag(iss=[PROVIDER])])
def test_what_cannot_be_one_is_refused_before_keys_are_looked_up(text):
    """No provider is asked for its keys on account of something else."""
    with pytest.raises(JoseError):
        read_id_jag(text)


WRONG = {
    "no-type": id_jag(typ=...),
    "id-token": id_jag(typ="JWT"),
    "symmetric": id_jag(alg="HS256", key=OctKey.import_key("s" * 43)),
    "another-issuer": id_jag(iss="https://evil.example"),
    "no-issuer": id_jag(iss=...),
    "another-server": id_jag(aud="https://other.example"),
    "two-servers": id_jag(aud=[SERVER, "https://other.example"]),
    "another-client": id_jag(client_id="d"),
    "no-client": id_jag(client_id=...),
    "no-subject": id_jag(sub=...),
    "empty-subject": id_jag(sub=""),
    "no-identifier": id_jag(jti=...),
    "expired": id_jag(exp=SECONDS),
    "no-expiry": id_jag(exp=...),
    "long-lived": id_jag(exp=SECONDS + 3601),
    "no-issue-time": id_jag(iat=...),
    "issued-later": id_jag(iat=SECONDS + 61),
    "not-a-token": "x",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
@pytest.mark.spec("J-045")
def test_an_id_jag_with_one_fault_is_refused(text):
    """It stands for a person's sign-in and consent both, so nothing in it may be off."""
    with pytest.raises(JoseError):
        verified(text)


def test_a_key_that_is_not_known_may_be_new():
    """The provider's set is fetched again before the client is refused."""
    stranger = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))

    with pytest.raises(UnknownKey):
        verified(id_jag(key=stranger))


def test_what_is_remembered_tells_issuers_and_identifiers_apart():
    """Two providers may count alike; the same assertion again is a replay."""
    first, again, other = verified(id_jag()), verified(id_jag()), verified(id_jag(jti="k"))

    assert first.digest == again.digest != other.digest
