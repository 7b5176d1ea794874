"""Signed tokens: made so that others read them, read so that nobody is fooled."""

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as other_jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from registrary.core.base64url import decode, encode
from registrary.core.jose import (
    SIGNING_ALGORITHMS,
    ClaimRules,
    JoseError,
    UnknownKey,
    load_private_key,
    mac_handle,
    numeric_date,
    parse_jws,
    sign_jwt,
    verify_jws,
    verify_jwt,
    verify_mac,
)
from registrary.core.secrets import Secret

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = Secret("s" * 64)

EC_PRIVATE = ec.generate_private_key(ec.SECP256R1())
RSA_PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED_PRIVATE = ed25519.Ed25519PrivateKey.generate()
PRIVATE: dict[str, Any] = {
    "ES256": EC_PRIVATE,
    "RS256": RSA_PRIVATE,
    "PS256": RSA_PRIVATE,
    "EdDSA": ED_PRIVATE,
}
# Any: the classes share their methods by convention only.
THEIR_KIND: dict[str, Any] = {"ES256": ECKey, "RS256": RSAKey, "PS256": RSAKey, "EdDSA": OKPKey}


def pkcs8(private):
    """Return a private key as it is stored."""
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def handle(alg, private=None):
    """Return what signs with *alg*, named ``k``."""
    return load_private_key(pkcs8(private or PRIVATE[alg]), alg=alg, kid="k")


def public_jwk(private, kind, **members):
    """Return the public half of a key as another library spells it."""
    return {**kind.import_key(private.public_key()).as_dict(), **members}


def jwks(alg="ES256", private=None, **members):
    """Return a set of the one key that *alg* signs with."""
    members = {"kid": "k", **members}
    return {"keys": [public_jwk(private or PRIVATE[alg], THEIR_KIND[alg], **members)]}


def claims(**more):
    """Return claims good for a minute."""
    return {"iss": "https://as.example", "exp": NOW + timedelta(minutes=1), **more}


def spelt(header, payload=b"{}", sign=None):
    """Return a JWS with any header at all; the signature is real if *sign* is given."""
    text = f"{encode(json.dumps(header).encode())}.{encode(payload)}"
    return f"{text}.{encode(sign(text.encode()) if sign else b'x' * 64)}"


RFC_PAYLOAD = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
VECTORS = {
    "RFC 7515 A.2": (
        (
            "eyJhbGciOiJSUzI1NiJ9."
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
            "Ijp0cnVlfQ."
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2"
            "Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjt"
            "QBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6"
            "IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        ),
        {
            "kty": "RSA",
            "n": (
                "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ"
                "PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0L"
                "OL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZl"
                "xvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAc"
                "DTW9gb54h4FRWyuXpoQ"
            ),
            "e": "AQAB",
        },
        RFC_PAYLOAD,
    ),
    "RFC 7515 A.3": (
        (
            "eyJhbGciOiJFUzI1NiJ9."
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
            "Ijp0cnVlfQ."
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        ),
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
        RFC_PAYLOAD,
    ),
    "RFC 8037 A.4": (
        (
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        ),
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        b"Example of Ed25519 signing",
    ),
}


@pytest.mark.parametrize(("token", "key", "payload"), VECTORS.values(), ids=VECTORS.keys())
def test_examples_of_the_rfcs_verify(token, key, payload):
    """What the standard calls a signature is one here."""
    jws = parse_jws(token)

    assert payload == verify_jws(jws, {"keys": [key]}, algorithms=SIGNING_ALGORITHMS)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864; everybody still says it
@pytest.mark.parametrize("alg", SIGNING_ALGORITHMS)
def test_another_library_reads_our_tokens(alg):
    """Resource servers use whatever library they have."""
    their_key = THEIR_KIND[alg].import_key(PRIVATE[alg].public_key())

    for number in range(20):
        token = sign_jwt(claims(n=number), handle(alg), typ="at+jwt")
        read = other_jwt.decode(token, their_key, algorithms=[alg])

        assert {"alg": alg, "typ": "at+jwt", "kid": "k"} == read.header
        assert {"iss": "https://as.example", "exp": numeric_date(NOW) + 60, "n": number} == (
            read.claims
        )


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864; everybody still says it
@pytest.mark.parametrize("alg", [*SIGNING_ALGORITHMS, "Ed25519"])
def test_tokens_of_another_library_are_read(alg):
    """Clients use whatever library they have, and some say EdDSA by its newer name."""
    ours = "EdDSA" if alg == "Ed25519" else alg
    header = {"alg": alg, "kid": "k"}
    members = {"iss": "a", "exp": numeric_date(NOW) + 60}

    for number in range(20):
        theirs = THEIR_KIND[ours].import_key(PRIVATE[ours])
        token = other_jwt.encode(header, {**members, "n": number}, theirs, algorithms=[alg])
        read = verify_jwt(token, jwks(ours), algorithms=[ours], rules=ClaimRules(), now=NOW)

        assert number == read.members["n"]


def test_hmac_agrees_with_another_library():
    """client_secret_jwt is made by clients we have never seen."""
    their_key = OctKey.import_key(SECRET.reveal())
    ours = sign_jwt({"n": 1}, mac_handle(SECRET))
    theirs = other_jwt.encode({"alg": "HS256"}, {"n": 1}, their_key, algorithms=["HS256"])

    payload = verify_mac(parse_jws(theirs), [Secret("o" * 64), SECRET], algorithms=["HS256"])

    assert {"n": 1} == other_jwt.decode(ours, their_key, algorithms=["HS256"]).claims
    assert {"n": 1} == json.loads(payload)


@pytest.mark.parametrize("short", ["", "s" * 31])
@pytest.mark.spec("C-026")
def test_a_short_secret_is_no_key(short):
    """A key shorter than the hash can be searched for (RFC 7518 §3.2)."""
    token = spelt({"alg": "HS256"}, sign=lambda data: hmac.digest(short.encode(), data, "sha256"))

    with pytest.raises(ValueError, match="32 octets"):
        mac_handle(Secret(short))
    with pytest.raises(JoseError):
        verify_mac(parse_jws(token), [Secret(short)], algorithms=["HS256"])


@pytest.mark.parametrize("alg", SIGNING_ALGORITHMS)
def test_one_flipped_bit_is_no_signature(alg):
    """Nobody changes a token on its way."""
    token = sign_jwt(claims(), handle(alg))
    head, payload, signature = token.split(".")
    octets = bytearray(decode(signature))
    octets[-1] ^= 1
    changed = [
        f"{head}.{payload}.{encode(bytes(octets))}",
        f"{head}.{encode(decode(payload).replace(b'as.example', b'as.examplf'))}.{signature}",
        f"{head}.{payload}.",
        f"{head}.{payload}.{encode(decode(signature)[:-1])}",
        f"{head}.{payload}.{encode(decode(signature) + bytes(1))}",
        f"{head}.{payload}.{encode(bytes(len(octets)))}",
    ]

    for text in changed:
        with pytest.raises(UnknownKey):
            verify_jws(parse_jws(text), jwks(alg), algorithms=[alg])


def test_der_is_no_jws_signature():
    """One signature has one spelling (RFC 7518 §3.4)."""
    head, payload, _ = sign_jwt(claims(), handle("ES256")).split(".")
    der = EC_PRIVATE.sign(f"{head}.{payload}".encode(), ec.ECDSA(SHA256()))

    with pytest.raises(UnknownKey):
        verify_jws(parse_jws(f"{head}.{payload}.{encode(der)}"), jwks(), algorithms=["ES256"])


@pytest.mark.parametrize(
    ("alg", "allowed"),
    [("ES256", ["RS256"]), ("ES256", []), ("RS256", ["PS256"]), ("EdDSA", ["ES256", "HS256"])],
)
def test_only_algorithms_of_the_purpose_are_taken(alg, allowed):
    """What is good enough for one purpose may be too weak for another (RFC 8725 §3.1)."""
    token = sign_jwt(claims(), handle(alg))

    with pytest.raises(JoseError, match="algorithm"):
        verify_jws(parse_jws(token), jwks(alg), algorithms=allowed)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS512", "ES512", "RS1"])
@pytest.mark.parametrize("signature", ["", "AAAA"])
@pytest.mark.spec("C-018")
def test_no_token_goes_without_a_signature(alg, signature):
    """``none`` must not work even where somebody put it into a list."""
    head = encode(json.dumps({"alg": alg}).encode())
    jws = parse_jws(f"{head}.e30.{signature}")

    with pytest.raises(JoseError):
        verify_jws(jws, jwks(), algorithms=["none", alg])
    with pytest.raises(JoseError):
        verify_mac(jws, [SECRET], algorithms=["none", alg])


def test_a_public_key_is_no_secret():
    """The oldest trick: HS256 with the published RSA key as the secret."""
    [key] = jwks("RS256")["keys"]
    for text in (key["n"], json.dumps(key)):
        token = sign_jwt(claims(), mac_handle(Secret(text)))

        with pytest.raises(JoseError):
            verify_jws(parse_jws(token), jwks("RS256"), algorithms=["RS256", "HS256"])


def test_a_secret_is_no_public_key():
    """A client that has a secret is not proved by a key of somebody's choice."""
    token = sign_jwt(claims(), handle("ES256"))

    with pytest.raises(JoseError):
        verify_mac(parse_jws(token), [SECRET], algorithms=["HS256", "ES256"])


def test_keys_named_by_the_token_are_not_used():
    """A token that brings its own key proves that somebody has a key (RFC 8725 §2.7)."""
    stranger = ec.generate_private_key(ec.SECP256R1())
    own = public_jwk(stranger, ECKey)
    header = {
        "alg": "ES256",
        "jwk": own,
        "jku": "https://evil.example",
        "x5u": "https://evil.example",
    }
    token = spelt(header, sign=handle("ES256", stranger).sign)

    with pytest.raises(UnknownKey):
        verify_jws(parse_jws(token), jwks(), algorithms=["ES256"])


REFUSED_HEADERS = {
    "crit": {"alg": "ES256", "crit": ["exp"]},
    "empty crit": {"alg": "ES256", "crit": []},
    "b64": {"alg": "ES256", "b64": False, "crit": ["b64"]},
    "b64 alone": {"alg": "ES256", "b64": True},
    "no alg": {"typ": "JWT"},
    "alg is null": {"alg": None},
    "alg is an array": {"alg": ["ES256"]},
    "kid is a number": {"alg": "ES256", "kid": 1},
    "typ is an object": {"alg": "ES256", "typ": {}},
}


@pytest.mark.parametrize("header", REFUSED_HEADERS.values(), ids=REFUSED_HEADERS.keys())
def test_headers_that_demand_more_are_refused(header):
    """What must be understood and is not must not be skipped (RFC 7515 §4.1.11)."""
    with pytest.raises(JoseError):
        parse_jws(spelt(header, sign=handle("ES256").sign))


GOOD = sign_jwt({"a": 1}, load_private_key(pkcs8(EC_PRIVATE), alg="ES256", kid="k"))
HEAD, BODY, SIGNATURE = GOOD.split(".")


def with_header(octets):
    """Return a good token under another header."""
    return f"{encode(octets)}.{BODY}.{SIGNATURE}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        f"{HEAD}.{BODY}",
        f"{GOOD}.",
        f"{GOOD}\n",
        f" {GOOD}",
        f"{HEAD}=.{BODY}.{SIGNATURE}",
        f"{HEAD}.{BODY}=.{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE}==",
        f"{HEAD}.{BODY}.é",
        f"{HEAD}.é.{SIGNATURE}",
        with_header(b"[]"),
        with_header(b'{"alg":"ES256","alg":"none"}'),
        with_header(b"\xff"),
        f"{HEAD}.{'A' * 20_000}.{SIGNATURE}",
        with_header(b'{"alg":"ES256","x":"' + b"x" * 4000 + b'"}'),
        "{}",
    ],
    ids=lambda text: f"{len(text)} {text[:12]!r}",
)
def test_what_is_no_compact_jws_is_refused(text):
    """A parser that guesses is a parser that two parties disagree about."""
    with pytest.raises(JoseError):
        parse_jws(text)


@given(st.text(max_size=60) | st.lists(st.text(max_size=20), max_size=5).map(".".join))
def test_no_text_breaks_the_reader(text):
    """A token is written by strangers."""
    with pytest.raises(JoseError):
        verify_jwt(text, jwks(), algorithms=["ES256"], rules=ClaimRules(), now=NOW)


def test_a_signature_without_a_key_name_is_tried_with_those_that_fit():
    """A client with two keys of one kind need not name them (RFC 7515 §4.1.4)."""
    nameless = load_private_key(pkcs8(EC_PRIVATE), alg="ES256", kid=None)
    token = sign_jwt(claims(), nameless)
    others = [public_jwk(ec.generate_private_key(ec.SECP256R1()), ECKey) for _ in range(4)]
    [mine] = jwks()["keys"]

    found = verify_jws(parse_jws(token), {"keys": [*others[:3], mine]}, algorithms=["ES256"])

    assert b"as.example" in found
    with pytest.raises(UnknownKey):  # bounded: a set of a hundred keys is not tried through
        verify_jws(parse_jws(token), {"keys": [*others, mine]}, algorithms=["ES256"])


def test_a_named_key_is_the_only_one_tried():
    """A wrong name means a new key, which a fresh set may have."""
    token = sign_jwt(claims(), handle("ES256"))

    with pytest.raises(UnknownKey):
        verify_jws(parse_jws(token), jwks(kid="other"), algorithms=["ES256"])


@pytest.mark.parametrize(
    ("alg", "private"),
    [
        ("ES256", RSA_PRIVATE),
        ("RS256", EC_PRIVATE),
        ("EdDSA", EC_PRIVATE),
        ("HS256", RSA_PRIVATE),
        ("ES384", EC_PRIVATE),
        ("ES256", ec.generate_private_key(ec.SECP384R1())),
        ("EdDSA", ed448.Ed448PrivateKey.generate()),
    ],
    ids=["RSA", "EC", "EC for EdDSA", "symmetric", "ES384", "P-384", "Ed448"],
)
def test_a_private_key_signs_with_its_own_algorithm_only(alg, private):
    """A mixed-up key must stop the start, and must not make tokens nobody can verify."""
    with pytest.raises(ValueError, match="private key"):
        handle(alg, private)


def test_ed448_is_not_taken_for_ed25519():
    """``EdDSA`` names two algorithms; one of them is used here."""
    private = ed448.Ed448PrivateKey.generate()
    token = spelt({"alg": "EdDSA"}, sign=private.sign)

    with pytest.raises(UnknownKey):
        verify_jws(parse_jws(token), {"keys": [public_jwk(private, OKPKey)]}, algorithms=["EdDSA"])


def test_a_handle_does_not_show_its_key():
    """Handles end up in tracebacks."""
    assert "canary" not in repr(mac_handle(Secret("canary" * 8)))
    assert "SigningHandle(alg='ES256', kid='k')" == repr(handle("ES256"))


RULES = ClaimRules(
    types=frozenset({"at+jwt", None}),
    issuer="https://as.example",
    subject="c",
    audiences=frozenset({"https://as.example", "https://as.example/token"}),
    max_lifetime=timedelta(minutes=5),
    requires_jti=True,
)
SECONDS = numeric_date(NOW)
WELL = {
    "iss": "https://as.example",
    "sub": "c",
    "aud": "https://as.example",
    "exp": SECONDS + 60,
    "jti": "j",
}


def judged(typ=None, now=NOW, **changes):
    """Return the claims as judged, with members changed, or left out where they are `...`."""
    members = {name: value for name, value in {**WELL, **changes}.items() if value is not ...}
    return RULES.check(members, typ=typ, now=now)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"typ": "at+jwt"},
        {"aud": ["https://as.example"]},
        {"aud": "https://as.example/token"},
        {"exp": SECONDS + 300},
        {"exp": SECONDS + 0.5},
        {"iat": SECONDS},
        {"iat": SECONDS + 59},
        {"iat": 0},
        {"nbf": SECONDS + 59.5},
        {"more": {"a": [1]}},
    ],
    ids=str,
)
def test_claims_that_keep_the_rules_are_taken(changes):
    """Clients word the same thing differently, within the standard."""
    assert "j" == judged(**changes).jti


BROKEN_RULES = [
    {"typ": "jwt"},
    {"iss": ...},
    {"iss": "https://as.example/"},
    {"iss": ["https://as.example"]},
    {"sub": ...},
    {"sub": "d"},
    {"aud": ...},
    {"aud": []},
    {"aud": "https://as.example/"},
    {"aud": ["https://as.example", "https://other.example"]},
    {"aud": ["https://as.example", "https://as.example/token"]},
    {"aud": ["https://as.example", "https://as.example"]},
    {"aud": [["https://as.example"]]},
    {"aud": {"https://as.example": 1}},
    {"exp": ...},
    {"exp": None},
    {"exp": str(SECONDS + 60)},
    {"exp": True},
    {"exp": SECONDS},
    {"exp": SECONDS - 1},
    {"exp": SECONDS + 301},
    {"exp": 2**53},
    {"exp": 1e300},
    {"exp": -1},
    {"iat": SECONDS + 61},
    {"iat": "now"},
    {"nbf": SECONDS + 61},
    {"nbf": []},
    {"jti": ...},
    {"jti": ""},
    {"jti": 7},
]


@pytest.mark.parametrize("changes", BROKEN_RULES, ids=str)
@pytest.mark.spec("E-100", "E-103")
def test_claims_that_break_a_rule_are_refused(changes):
    """Each claim is there for an attack that somebody made without it."""
    with pytest.raises(JoseError) as refusal:
        judged(**changes)

    assert "example" not in refusal.value.rule


def test_what_is_not_demanded_is_not_judged():
    """Introspection looks at tokens for many audiences."""
    found = ClaimRules().check({"exp": SECONDS + 10**6, "aud": ["a", "b"]}, typ="anything", now=NOW)

    assert NOW + timedelta(seconds=10**6) == found.expires_at
    assert (None, None) == (found.jti, found.issued_at)


def test_type_is_compared_as_a_media_type():
    """``application/at+jwt`` and ``AT+JWT`` are the same type (RFC 7515 §4.1.9)."""
    token = sign_jwt(claims(), handle("ES256"), typ="application/AT+JWT")
    rules = ClaimRules(types=frozenset({"at+jwt"}))

    found = verify_jwt(token, jwks(), algorithms=["ES256"], rules=rules, now=NOW)

    assert "https://as.example" == found.members["iss"]


@pytest.mark.parametrize("payload", [b"[]", b'{"exp":1,"exp":2}', b"{", b'{"exp":NaN}'])
def test_a_signed_payload_is_read_strictly_too(payload):
    """A signature does not make two readings of one text agree."""
    token = spelt({"alg": "ES256"}, payload, sign=handle("ES256").sign)

    with pytest.raises(JoseError):
        verify_jwt(token, jwks(), algorithms=["ES256"], rules=ClaimRules(), now=NOW)
