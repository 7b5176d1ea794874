"""A proof of possession holds for its key, one request and a short while."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws as other_jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from registrary.core.base64url import encode
from registrary.core.jose import load_private_key
from registrary.core.jose.dpop import (
    InvalidDpopProof,
    ProvenRequest,
    UseDpopNonce,
    read_dpop_proof,
)
from registrary.core.jose.nonces import NONCE_SLOT, Nonces
from registrary.core.secrets import Secret

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TOKEN_URI = "https://as.example/token"
REQUEST = ProvenRequest(method="POST", uri=TOKEN_URI)
ACCESS_TOKEN = Secret("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU")
WITH_TOKEN = ProvenRequest(method="POST", uri=TOKEN_URI, access_token=ACCESS_TOKEN)
ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")
NONCES = Nonces(b"n" * 32)

# Any: the classes share their methods by convention only.
KEYS: dict[str, Any] = {
    "ES256": ECKey.import_key(ec.generate_private_key(ec.SECP256R1())),
    "RS256": RSAKey.import_key(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    "Ed25519": OKPKey.import_key(ed25519.Ed25519PrivateKey.generate()),
}
KEYS["PS256"] = KEYS["RS256"]
KEY = KEYS["ES256"]
THEIR_ALGORITHMS = tuple(KEYS)  # EdDSA by its new name alone


def members(**changes):
    """Return the claims of a good proof, but for what is changed; ``...`` leaves one out."""
    good = {"jti": "j", "htm": "POST", "htu": TOKEN_URI, "iat": int(NOW.timestamp()), **changes}
    return {name: value for name, value in good.items() if value is not ...}


def proof(claims=None, *, alg="ES256", key=None, **header):
    """Return a proof as the other library makes it; *header* changes its header."""
    key = key or KEYS[alg]
    good = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False), **header}
    present = {name: value for name, value in good.items() if value is not ...}
    payload = json.dumps(members() if claims is None else claims).encode()
    registry = other_jws.JWSRegistry(
        algorithms=[*THEIR_ALGORITHMS, "HS256"], strict_check_header=False
    )
    return other_jws.serialize_compact(present, payload, key, registry=registry)


def spelt(header):
    """Return a signed proof with any header at all."""
    text = ".".join(encode(json.dumps(part).encode()) for part in (header, members()))
    der = KEY.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    handle = load_private_key(der, alg="ES256", kid=None)
    return f"{text}.{encode(handle.sign(text.encode()))}"


def read(text, request=REQUEST, **changes):
    """Return the proof as read at `NOW`."""
    return read_dpop_proof(text, request, **{"algorithms": ALGORITHMS, "now": NOW, **changes})


@pytest.mark.parametrize("alg", THEIR_ALGORITHMS)
@pytest.mark.spec("J-001", "J-002")
def test_a_good_proof_names_its_key(alg):
    """Access tokens are bound to the thumbprint, whatever kind of key a client holds."""
    found = read(proof(alg=alg))

    assert KEYS[alg].thumbprint() == found.thumbprint


def test_the_example_of_the_specification_holds():
    """RFC 9449 §4.1 figure 1 and §7.1: what every other implementation reads."""
    text = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMz"
        "R0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFq"
        "SG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19."
        "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW"
        "1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ."
        "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    )
    request = ProvenRequest(method="POST", uri="https://server.example.com/token")

    found = read(text, request, now=datetime.fromtimestamp(1562262616, UTC))

    assert ("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "-BwC3ESc6acc2lTc") == (
        found.thumbprint,
        found.jti,
    )


WRONG = {
    "another-type": proof(typ="JWT"),
    "no-type": proof(typ=...),
    "symmetric": proof(
        alg="HS256", key=OctKey.import_key(b"s" * 32), jwk=KEY.as_dict(private=False)
    ),
    "no-key": proof(jwk=...),
    "private-key": proof(jwk=KEY.as_dict(private=True)),
    "symmetric-key": proof(jwk={"kty": "oct", "k": "c2VjcmV0"}),
    "key-is-text": spelt({"typ": "dpop+jwt", "alg": "ES256", "jwk": "k"}),
    "another-key": proof(jwk=KEYS["Ed25519"].as_dict(private=False)),
    "key-off-the-curve": proof(jwk={**KEY.as_dict(private=False), "y": "A" * 43}),
    "key-for-encryption": proof(jwk={**KEY.as_dict(private=False), "use": "enc"}),
    "algorithm-of-key": proof(jwk={**KEY.as_dict(private=False), "alg": "ES384"}),
    "must-be-understood": spelt(
        {"typ": "dpop+jwt", "alg": "ES256", "crit": ["x"], "jwk": KEY.as_dict(private=False)}
    ),
    "method": proof(members(htm="GET")),
    "case-of-method": proof(members(htm="post")),
    "no-method": proof(members(htm=...)),
    "address": proof(members(htu="https://as.example/par")),
    "no-address": proof(members(htu=...)),
    "address-is-number": proof(members(htu=1)),
    "no-identifier": proof(members(jti=...)),
    "empty-identifier": proof(members(jti="")),
    "number-as-identifier": proof(members(jti=7)),
    "long-identifier": proof(members(jti="j" * 513)),
    "no-time": proof(members(iat=...)),
    "time-is-text": proof(members(iat=str(int(NOW.timestamp())))),
    "time-is-true": proof(members(iat=True)),
    "old": proof(members(iat=int(NOW.timestamp()) - 301)),
    "from-the-future": proof(members(iat=int(NOW.timestamp()) + 301)),
    "expired": proof(members(exp=int(NOW.timestamp()) - 1)),
    "not-yet": proof(members(nbf=int(NOW.timestamp()) + 301)),
    "number-as-nonce": proof(members(nonce=1)),
    "not-an-object": proof([]),
    "empty": "",
    "two-parts": "a.b",
    "signature-cut": proof()[:-1],
    "huge": "a" * 20_000,
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
@pytest.mark.spec("J-001", "J-002", "J-003", "J-005", "J-007")
def test_a_proof_with_one_fault_is_refused(text):
    """RFC 9449 §4.3 lists what to check; each check left out was somebody's advisory."""
    with pytest.raises(InvalidDpopProof):
        read(text)


@pytest.mark.parametrize("seconds", [-300, 300])
@pytest.mark.spec("J-005")
def test_clocks_may_differ_by_five_minutes(seconds):
    """Desktops have no good clock, and their users no way to know."""
    found = read(proof(members(iat=int(NOW.timestamp()) + seconds)))

    assert NOW + timedelta(seconds=seconds, minutes=5) == found.expires_at


def test_an_algorithm_that_is_not_offered_is_refused():
    """The list in the metadata is a promise in both directions."""
    with pytest.raises(InvalidDpopProof):
        read(proof(alg="RS256"), algorithms=["ES256"])


@pytest.mark.spec("J-001")
def test_none_is_no_algorithm_even_where_a_caller_lists_it():
    """An unsigned proof would be a proof by anybody."""
    header = {"typ": "dpop+jwt", "alg": "none", "jwk": KEY.as_dict(private=False)}
    parts = [encode(json.dumps(part).encode()) for part in (header, members())]

    with pytest.raises(InvalidDpopProof):
        read(".".join([*parts, ""]), algorithms=["none", "ES256"])


def test_a_proof_with_a_key_name_is_read_all_the_same():
    """The header's kid says nothing that its jwk does not."""
    found = read(proof(kid="whatever"))

    assert KEY.thumbprint() == found.thumbprint


def test_the_older_name_of_the_algorithm_is_known():
    """RFC 9864 renames EdDSA; the other cases here use the new name, old libraries this one."""
    key = KEYS["Ed25519"]
    header = {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": key.as_dict(private=False)}
    signed = ".".join(encode(json.dumps(part).encode()) for part in (header, members()))
    text = f"{signed}.{encode(key.private_key.sign(signed.encode()))}"

    found = read(text)

    assert key.thumbprint() == found.thumbprint


def ath(token):
    """Return the hash of an access token as RFC 9449 §4.2 spells it."""
    return encode(hashlib.sha256(token.encode()).digest())


def test_a_proof_with_the_tokens_hash_holds():
    """RFC 9449 §7.1 gives the hash of this very token."""
    claims = members(ath="fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo")

    found = read(proof(claims), WITH_TOKEN)

    assert "j" == found.jti


@pytest.mark.parametrize("value", [..., "", 1, ath("another"), "é"])
@pytest.mark.spec("J-006")
def test_a_proof_for_another_access_token_is_refused(value):
    """A stolen token with an old proof of its owner must not pass."""
    with pytest.raises(InvalidDpopProof):
        read(proof(members(ath=value)), WITH_TOKEN)


def test_a_demanded_nonce_that_was_handed_out_is_taken():
    """The second try of a client is the one that counts."""
    found = read(proof(members(nonce=NONCES.current(NOW))), nonces=NONCES)

    assert NONCES.current(NOW) == found.nonce


@pytest.mark.parametrize(
    "nonce", [..., "made-up", NONCES.current(NOW - 3 * NONCE_SLOT)], ids=["none", "false", "old"]
)
@pytest.mark.spec("J-004")
def test_a_proof_without_the_demanded_nonce_asks_for_another_try(nonce):
    """Clients tell by the error whether trying again with the fresh nonce helps."""
    with pytest.raises(UseDpopNonce):
        read(proof(members(nonce=nonce)), nonces=NONCES)


def test_a_bad_proof_is_bad_whatever_its_nonce():
    """Nobody should be sent into a second try that fails for the same reason."""
    with pytest.raises(InvalidDpopProof):
        read(proof(members(htm="GET")), nonces=NONCES)


def test_a_nonce_that_nobody_asked_for_does_no_harm():
    """Clients keep sending the last nonce they were given (RFC 9449 §8.2)."""
    found = read(proof(members(nonce="from elsewhere")))

    assert "from elsewhere" == found.nonce


def test_what_is_remembered_tells_proofs_apart():
    """Two clients that count 1, 2, 3 are not each other's replay; the same proof again is."""
    first, again = read(proof()), read(proof())
    other_key = read(proof(alg="Ed25519"))
    other_jti = read(proof(members(jti="k")))

    assert first.digest == again.digest
    assert 3 == len({first.digest, other_key.digest, other_jti.digest})
