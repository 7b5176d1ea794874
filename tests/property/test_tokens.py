"""Whatever is sent as a token, it verifies unchanged or is refused in our own words."""

import contextlib
import hashlib
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from registrary.core.base64url import encode
from registrary.core.entropy import Draw
from registrary.core.jose import JoseError, load_private_key, mac_handle, sign_jwt
from registrary.core.jose.dpop import ProvenRequest, read_dpop_proof
from registrary.core.jose.htu import is_address
from registrary.core.jose.id_jag import IdJagRules, read_id_jag, verify_id_jag
from registrary.core.jose.id_token import IdTokenRules, verify_id_token
from registrary.core.jose.jwe import (
    ENCRYPT_DRAW_BYTES,
    KEY_ALGORITHMS,
    decrypt,
    encrypt,
    load_decryption_key,
)
from registrary.core.jose.nonces import Nonces
from registrary.core.jose.request_object import (
    RequestObjectRules,
    read_request_object,
    verify_request_object,
)
from registrary.core.secrets import Secret

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://as.example"
TOKEN_URI = f"{ISSUER}/token"
ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA", "HS256", "none")
ENCODINGS = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
SECRET = Secret("s" * 43)

PRIVATE = ec.generate_private_key(ec.SECP256R1())
RSA_PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def der(private):
    """Return a private key as it is stored."""
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


JWK = {**ECKey.import_key(PRIVATE.public_key()).as_dict(), "kid": "k"}
RSA_JWK = {**RSAKey.import_key(RSA_PRIVATE.public_key()).as_dict(), "kid": "r"}
JWKS = {"keys": [JWK, RSA_JWK]}
HANDLE = load_private_key(der(PRIVATE), alg="ES256", kid="k")
OWN_KEYS = [
    load_decryption_key(der(private), kid=kid)
    for private, kid in ((PRIVATE, "k"), (RSA_PRIVATE, "r"))
]
REQUEST = ProvenRequest(method="POST", uri=TOKEN_URI, access_token=SECRET)


def spelt(header, claims):
    """Return a token with any header and claims; its signature is good."""
    text = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{encode(HANDLE.sign(text.encode()))}"


def read_proof(text):
    """Read *text* as a proof of possession."""
    return read_dpop_proof(text, REQUEST, algorithms=ALGORITHMS, nonces=Nonces(b"n" * 32), now=NOW)


def read_request(text):
    """Read *text* as a request object of client ``c``, which must be signed."""
    rules = RequestObjectRules(issuer=ISSUER, client_id="c", keys=JWKS, algorithms=["ES256"])
    return verify_request_object(read_request_object(text), rules, now=NOW)


def read_loosely(text):
    """Read *text* as a request object that may be unsigned."""
    rules = RequestObjectRules(issuer=ISSUER, client_id="c", keys=JWKS, algorithms=ALGORITHMS)
    return verify_request_object(read_request_object(text), rules, now=NOW)


def read_identity(text):
    """Read *text* as an ID token for client ``c``."""
    rules = IdTokenRules(
        issuer=ISSUER, client_id="c", algorithms=["ES256"], nonce="n", access_token=SECRET
    )
    return verify_id_token(text, JWKS, rules, now=NOW)


def read_by_secret(text):
    """Read *text* as an ID token under a secret."""
    rules = IdTokenRules(issuer=ISSUER, client_id="c", algorithms=["HS256"], nonce="n")
    return verify_id_token(text, [SECRET], rules, now=NOW)


def read_jag(text):
    """Read *text* as an ID-JAG for client ``c``."""
    rules = IdJagRules(issuer=ISSUER, audience="s", client_id="c", algorithms=["ES256"])
    return verify_id_jag(read_id_jag(text), JWKS, rules, now=NOW)


def read_encrypted(text):
    """Open *text* with our own keys."""
    return decrypt(text, OWN_KEYS, algorithms=KEY_ALGORITHMS, encodings=ENCODINGS)


def sealed(key, alg, enc):
    """Return something encrypted to one of our own keys."""
    draw = Draw(bytes(range(ENCRYPT_DRAW_BYTES)))
    return encrypt(b"content of some length", key, alg=alg, enc=enc, draw=draw)


PROOF_HEADER = {"typ": "dpop+jwt", "alg": "ES256", "jwk": JWK}
PROOF_CLAIMS = {
    "jti": "j",
    "htm": "POST",
    "htu": TOKEN_URI,
    "iat": SECONDS,
    "nonce": Nonces(b"n" * 32).current(NOW),
    "ath": encode(hashlib.sha256(SECRET.reveal().encode()).digest()),
}
CLAIMS = {
    "iss": ISSUER,
    "sub": "p",
    "aud": "c",
    "exp": SECONDS + 60,
    "iat": SECONDS,
    "nonce": "n",
    "jti": "j",
}
JAG_CLAIMS = {**CLAIMS, "aud": "s", "client_id": "c"}
REQUEST_CLAIMS = {"iss": "c", "aud": ISSUER, "exp": SECONDS + 60, "scope": "openid"}

GOOD = {
    "proof": (read_proof, spelt(PROOF_HEADER, PROOF_CLAIMS)),
    "request": (read_request, sign_jwt(REQUEST_CLAIMS, HANDLE)),
    "identity": (read_identity, sign_jwt(CLAIMS, HANDLE)),
    "secret": (read_by_secret, sign_jwt(CLAIMS, mac_handle(SECRET))),
    "jag": (read_jag, sign_jwt(JAG_CLAIMS, HANDLE, typ="oauth-id-jag+jwt")),
    "agreed": (read_encrypted, sealed(JWK, "ECDH-ES", "A128CBC-HS256")),
    "wrapped": (read_encrypted, sealed(JWK, "ECDH-ES+A256KW", "A256GCM")),
    "rsa": (read_encrypted, sealed(RSA_JWK, "RSA-OAEP-256", "A256CBC-HS512")),
}


@st.composite
def changed(draw, texts):
    """Draw a good token and what became of it on the way."""
    name = draw(st.sampled_from(texts))
    text = GOOD[name][1]
    start = draw(st.integers(0, len(text) - 1))
    end = min(len(text), start + draw(st.integers(0, 3)))
    between = draw(st.text("ABCDwxyz0129-_.=é ", max_size=3))
    return name, text[:start] + between + text[end:]


@pytest.mark.parametrize("name", GOOD)
def test_the_tokens_below_are_good_before_they_are_changed(name):
    """A token that never verified would prove nothing by being refused."""
    read, text = GOOD[name]

    assert read(text)


@given(changed(sorted(GOOD)))
def test_a_changed_token_never_verifies(case):
    """One letter more, less or other, in any part of it, and it is nobody's word any more."""
    name, text = case
    read, original = GOOD[name]
    if text == original:
        return

    with pytest.raises(JoseError):
        read(text)


@given(st.sampled_from(sorted(GOOD)), st.sampled_from(sorted(GOOD)), st.integers(0, 4))
def test_parts_of_two_tokens_make_no_third(one, other, position):
    """A signature, a key or a tag from elsewhere fits nothing else."""
    read, text = GOOD[one]
    parts, others = text.split("."), GOOD[other][1].split(".")
    if position >= min(len(parts), len(others)) or parts[position] == others[position]:
        return
    parts[position] = others[position]

    with pytest.raises(JoseError):
        read(".".join(parts))


READERS = (
    read_proof,
    read_request,
    read_loosely,
    read_identity,
    read_by_secret,
    read_jag,
    read_encrypted,
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.sampled_from([ISSUER, TOKEN_URI, "c", "n", "ES256", "dpop+jwt", SECONDS, "", JWK]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(READERS), st.text(max_size=200))
@example(read_encrypted, "....")
@example(read_proof, "..")
@example(read_proof, "\ud800.\ud800.\ud800")
def test_no_text_breaks_a_reader(read, text):
    """An exception of another kind would be a 500 for whoever finds it."""
    with contextlib.suppress(JoseError):
        read(text)


@given(
    st.sampled_from(READERS),
    st.sampled_from([PROOF_CLAIMS, CLAIMS, JAG_CLAIMS, REQUEST_CLAIMS]),
    st.dictionaries(
        st.sampled_from([*PROOF_CLAIMS, *JAG_CLAIMS, "azp", "auth_time", "at_hash", "nbf"]) | texts,
        values,
        max_size=4,
    ),
)
def test_no_signed_claims_break_a_reader(read, claims, changes):
    """A client or provider with a good key may still send anything."""
    for header in (PROOF_HEADER, {"alg": "ES256"}, {"alg": "ES256", "typ": "oauth-id-jag+jwt"}):
        with contextlib.suppress(JoseError):
            read(spelt(header, {**claims, **changes}))


@given(
    st.dictionaries(st.sampled_from(["typ", "alg", "kid", "jwk", "crit", "b64"]), values),
    st.dictionaries(st.sampled_from([*JWK, "use", "key_ops", "x5c"]), values),
)
@example({}, {"key_ops": None})
def test_no_header_breaks_the_reader_of_proofs(changes, members):
    """The one header that is read for a key is read by us before anything is proved."""
    for jwk in ({**JWK, **members}, members):
        with contextlib.suppress(JoseError):
            read_proof(spelt({**PROOF_HEADER, "jwk": jwk, **changes}, PROOF_CLAIMS))


@given(
    st.sampled_from(["agreed", "wrapped", "rsa"]),
    st.dictionaries(
        st.sampled_from(["alg", "enc", "kid", "epk", "apu", "apv", "zip", "crit", "cty"]),
        values | st.sampled_from([*KEY_ALGORITHMS, *ENCODINGS, "r", "k"]),
        min_size=1,
    ),
    st.dictionaries(st.sampled_from([*JWK, "use"]), values),
)
def test_no_header_breaks_decryption(name, changes, epk):
    """Strangers choose the header of what is encrypted to us, its ephemeral key included."""
    rest = GOOD[name][1].partition(".")[2]
    for key in ({**JWK, **epk}, epk):
        header = {"alg": "ECDH-ES", "enc": "A128CBC-HS256", "epk": key, **changes}

        with pytest.raises(JoseError):
            read_encrypted(f"{encode(json.dumps(header).encode())}.{rest}")


@given(st.text("htps:/.AaBb%25e?#[]@\\ ", max_size=40))
def test_only_a_query_a_fragment_or_dots_may_follow_an_address(rest):
    """Levelling never fails, and never cuts off what names another endpoint."""
    is_same = is_address(f"{TOKEN_URI}{rest}", TOKEN_URI)

    assert not is_same or not rest or rest[0] in "?#/"
