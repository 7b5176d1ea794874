"""Which keys a client may register, and which of its keys fits a signature."""

import base64
import copy
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x448, x25519
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey, OKPKey, RSAKey

from registrary.core.base64url import encode
from registrary.core.errors import FieldError
from registrary.core.jwk import (
    MAX_FETCHED_KEYS,
    MAX_KEYS,
    check_public_jwk_set,
    select_keys,
    thumbprint,
    usable_keys,
)

RSA_PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_PRIVATE = ec.generate_private_key(ec.SECP256R1())


def ec_key(curve=None, **members):
    """Return a public EC key, of one fixed P-256 pair unless a curve asks for a new one."""
    private = EC_PRIVATE if curve is None else ec.generate_private_key(curve)
    return {**ECKey.import_key(private.public_key()).as_dict(), **members}


def rsa_key(**members):
    """Return the public half of one RSA pair."""
    return {**RSAKey.import_key(RSA_PRIVATE.public_key()).as_dict(), **members}


def okp_key(private=None, **members):
    """Return a public OKP key, Ed25519 unless told otherwise."""
    private = private or ed25519.Ed25519PrivateKey.generate()
    return {**OKPKey.import_key(private.public_key()).as_dict(), **members}


def without(key, *names):
    """Return the same key with members missing."""
    return {name: value for name, value in key.items() if name not in names}


def key_set(*keys):
    """Return a JWK Set."""
    return {"keys": list(keys)}


def natural(number):
    """Spell a number as RSA members do."""
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def coordinate(number, octets=32):
    """Spell a number as EC members do."""
    return encode(number.to_bytes(octets, "big"))


def certificate(private):
    """Return a self-signed certificate for a pair."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .sign(private, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def x5c_of(private):
    """Return a chain of that one certificate, as JWK spells it."""
    return [base64.b64encode(certificate(private)).decode()]


# RFC 7517 appendix A.1, RFC 8037 appendix A.2.
RFC_KEYS = {
    "keys": [
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            "use": "enc",
            "kid": "1",
        },
        {
            "kty": "RSA",
            "n": (
                "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuh"
                "DR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6C"
                "f0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n"
                "91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1j"
                "F44-csFCur-kEgU8awapJzKnqDKgw"
            ),
            "e": "AQAB",
            "alg": "RS256",
            "use": "sig",
            "kid": "2011-04-29",
        },
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "use": "sig",
        },
    ]
}


@pytest.mark.spec("A-032", "C-008")
def test_sets_of_the_rfcs_are_taken_as_they_stand():
    """What is echoed is what was sent, so a client can compare."""
    before = copy.deepcopy(RFC_KEYS)

    checked = check_public_jwk_set(RFC_KEYS)

    assert before == checked


@pytest.mark.parametrize(
    "key",
    [
        ec_key(),
        ec_key(ec.SECP384R1()),
        ec_key(ec.SECP521R1()),
        rsa_key(),
        okp_key(),
        okp_key(ed448.Ed448PrivateKey.generate()),
        okp_key(x25519.X25519PrivateKey.generate()),
        okp_key(x448.X448PrivateKey.generate()),
        ec_key(alg="ES256", use="sig", kid="a", key_ops=["verify"]),
        ec_key(alg="ECDH-ES", use="enc"),
        rsa_key(alg="RSA-OAEP-256", key_ops=["wrapKey", "encrypt"]),
        okp_key(alg="EdDSA"),
        okp_key(alg="Ed25519"),
        ec_key(vendor={"d": 1}, x5u="https://a.example/cert"),
        ec_key(x5c=x5c_of(EC_PRIVATE)),
        rsa_key(x5c=x5c_of(RSA_PRIVATE)),
    ],
    ids=lambda key: "-".join([key["kty"], key.get("crv", ""), *sorted(set(key) - {"kty", "crv"})]),
)
@pytest.mark.spec("A-032", "C-008")
def test_every_public_key_type_is_taken(key):
    """A client may bring whatever kind of key its platform makes."""
    assert key_set(key) == check_public_jwk_set(key_set(key))


@pytest.mark.parametrize(
    "value",
    [
        "{}",
        [],
        None,
        {},
        {"keys": {}},
        {"keys": []},
        {"keys": None},
        {"keys": ["key"]},
        {"keys": [[]]},
        key_set(*[ec_key() for _ in range(MAX_KEYS + 1)]),
    ],
    ids=lambda value: str(value)[:20],
)
@pytest.mark.spec("A-032")
def test_what_is_no_set_of_keys_is_refused(value):
    """``jwks`` is an object with keys, not the text of one."""
    with pytest.raises(FieldError):
        check_public_jwk_set(value)


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"])
@pytest.mark.parametrize(
    "key",
    [ec_key(), rsa_key(), {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}, {"kty": "new"}],
    ids=["EC", "RSA", "AKP", "unknown"],
)
@pytest.mark.parametrize("value", ["AA", None, 1], ids=repr)
@pytest.mark.spec("C-008")
def test_a_private_member_is_refused_in_any_key(key, member, value):
    """A private key sent to a server is no longer private, of whatever type it is."""
    with pytest.raises(FieldError, match="private or symmetric"):
        check_public_jwk_set(key_set(ec_key(), {**key, member: value}))


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"])
@pytest.mark.parametrize("value", ["AA", None, 1], ids=repr)
@pytest.mark.spec("C-008")
def test_a_private_member_beside_the_keys_is_refused(member, value):
    """A pair pasted over a set leaves its private half at the top, where reads showed it."""
    with pytest.raises(FieldError, match="private or symmetric"):
        check_public_jwk_set({**key_set(ec_key()), member: value})


@pytest.mark.spec("C-008")
def test_a_private_member_beside_fetched_keys_is_dropped():
    """Nothing of a fetched set but its keys is kept."""
    key = ec_key()

    assert key_set(key) == usable_keys({**key_set(key), "d": "AA", "k": "AA"})


def test_other_members_beside_the_keys_are_kept():
    """RFC 7517 §5 lets sets have members of their own, and clients read back what they sent."""
    jwks = {**key_set(ec_key()), "issued": "2026-11-21"}

    assert jwks == check_public_jwk_set(jwks)


REFUSED_KEYS = {
    "empty": {},
    "no type": without(ec_key(), "kty"),
    "type is no text": ec_key(kty=["EC"]),
    "symmetric without its key": {"kty": "oct"},
    "unknown type": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
    "lower-case type": ec_key(kty="ec"),
    "no modulus": without(rsa_key(), "n"),
    "no exponent": without(rsa_key(), "e"),
    "modulus is a number": rsa_key(n=65537),
    "modulus with padding": rsa_key(n=rsa_key()["n"] + "=="),
    "modulus in plain base64": rsa_key(n="+/" + rsa_key()["n"][2:]),
    "modulus with white space": rsa_key(n=rsa_key()["n"] + "\n"),
    "modulus with a leading zero octet": rsa_key(
        n=encode(b"\0" + RSA_PRIVATE.public_key().public_numbers().n.to_bytes(256, "big"))
    ),
    "modulus of 2047 bits": rsa_key(n=natural(2**2046 + 1)),
    "modulus of 8193 bits": rsa_key(n=natural(2**8192 + 1)),
    "even modulus": rsa_key(n=natural(2**2047)),
    "exponent one": rsa_key(e="AQ"),
    "even exponent": rsa_key(e="AQAA"),
    "empty exponent": rsa_key(e=""),
    "long exponent": rsa_key(e=natural(2**64 + 1)),
    "no curve": without(ec_key(), "crv"),
    "curve is no text": ec_key(crv=["P-256"]),
    "secp256k1": ec_key(crv="secp256k1"),
    "curve of another type": ec_key(crv="Ed25519"),
    "no y": without(ec_key(), "y"),
    "short x": ec_key(x="AQ"),
    "long x": ec_key(x=coordinate(1, 33)),
    "coordinates of another curve": ec_key(crv="P-384"),
    "point off the curve": ec_key(y=ec_key()["x"]),
    "x not reduced": ec_key(x=coordinate(2**256 - 1)),
    "OKP without x": without(okp_key(), "x"),
    "OKP with an EC curve": okp_key(crv="P-256"),
    "short Ed25519": okp_key(x="AQ"),
    "Ed25519 of order one": okp_key(x=encode((1).to_bytes(32, "little"))),
    "Ed25519 of order two": okp_key(x=encode((2**255 - 20).to_bytes(32, "little"))),
    "Ed25519 of order four": okp_key(x=encode(bytes(32))),
    "Ed25519 of order eight": okp_key(
        x=encode(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
    ),
    "Ed25519 not reduced": okp_key(x=encode((2**255 - 1).to_bytes(32, "little"))),
    "Ed25519 off the curve": okp_key(x=encode((2).to_bytes(32, "little"))),
    "X25519 of zeros": okp_key(crv="X25519", x=encode(bytes(32))),
    "X448 of one": okp_key(crv="X448", x=encode(b"\x01" + bytes(55))),
    "kid is no text": ec_key(kid=1),
    "kid without end": ec_key(kid="k" * 257),
    "use is no text": ec_key(use=["sig"]),
    "unknown use": ec_key(use="tls"),
    "alg none": ec_key(alg="none"),
    "alg is no text": ec_key(alg=5),
    "symmetric alg": rsa_key(alg="HS256"),
    "RSA alg on EC": ec_key(alg="RS256"),
    "EC alg on RSA": rsa_key(alg="ES256"),
    "alg of another curve": ec_key(alg="ES384"),
    "signing alg on an agreement key": okp_key(x25519.X25519PrivateKey.generate(), alg="EdDSA"),
    "alg against use": rsa_key(alg="RS256", use="enc"),
    "key_ops against use": rsa_key(key_ops=["encrypt"], use="sig"),
    "key_ops against alg": rsa_key(key_ops=["verify"], alg="RSA-OAEP"),
    "key_ops of both kinds": rsa_key(key_ops=["verify", "encrypt"]),
    "key_ops repeated": rsa_key(key_ops=["verify", "verify"]),
    "key_ops empty": rsa_key(key_ops=[]),
    "key_ops is no array": rsa_key(key_ops="verify"),
    "key_ops of numbers": rsa_key(key_ops=[1]),
    "key_ops null": rsa_key(key_ops=None),
    "x5c of another key": ec_key(x5c=x5c_of(RSA_PRIVATE)),
    "x5c is text": ec_key(x5c=x5c_of(EC_PRIVATE)[0]),
    "x5c empty": ec_key(x5c=[]),
    "x5c in base64url": ec_key(x5c=["_-" + x5c_of(EC_PRIVATE)[0]]),
    "x5c of garbage": ec_key(x5c=["AAAA"]),
    "x5c of numbers": ec_key(x5c=[1]),
    "x5c without end": ec_key(x5c=x5c_of(EC_PRIVATE) * 11),
    "x5t of another certificate": ec_key(x5c=x5c_of(EC_PRIVATE), **{"x5t#S256": "AA"}),
}


@pytest.mark.parametrize("key", REFUSED_KEYS.values(), ids=REFUSED_KEYS.keys())
@pytest.mark.spec("C-008")
def test_an_unusable_key_is_refused_and_located(key):
    """A client learns at registration, not at its first login, that a key cannot work."""
    with pytest.raises(FieldError, match=r"^keys\[1\]: ") as refusal:
        check_public_jwk_set(key_set(okp_key(use="sig"), key))

    assert refusal.value.rule.isascii()


@pytest.mark.spec("C-008")
def test_the_refusal_never_repeats_the_key():
    """What was sent by mistake must not reach a log by way of an error."""
    with pytest.raises(FieldError) as refusal:
        check_public_jwk_set(key_set(ec_key(y="canary", kid="canary")))

    assert "canary" not in refusal.value.rule


def test_the_thumbprint_of_the_certificate_is_compared():
    """A client that names its certificate by thumbprint gets the name checked."""
    [text] = x5c_of(EC_PRIVATE)
    digest = encode(hashlib.sha256(base64.b64decode(text)).digest())

    checked = check_public_jwk_set(key_set(ec_key(**{"x5c": [text], "x5t#S256": digest})))

    assert digest == checked["keys"][0]["x5t#S256"]


@pytest.mark.parametrize(
    ("keys", "is_taken"),
    [
        ([ec_key(use="sig"), rsa_key(use="enc")], True),
        ([ec_key(), rsa_key()], True),
        ([ec_key(use="sig"), rsa_key()], True),
        ([ec_key(), rsa_key(use="enc")], False),
        ([ec_key(use="sig"), rsa_key(use="enc"), okp_key()], False),
        ([ec_key(alg="ES256"), rsa_key(alg="RSA-OAEP")], False),
        ([ec_key(alg="ES256"), okp_key(x25519.X25519PrivateKey.generate())], False),
    ],
    ids=["both marked", "none marked", "signing", "one marked", "two marked", "by alg", "by curve"],
)
@pytest.mark.spec("C-008")
def test_mixed_sets_say_what_each_key_is_for(keys, is_taken):
    """A key meant for encryption must never vouch for a client."""
    try:
        check_public_jwk_set(key_set(*keys))
        taken = True
    except FieldError:
        taken = False

    assert is_taken == taken


@pytest.mark.parametrize(
    ("keys", "is_taken"),
    [
        ([ec_key(kid="a"), ec_key(ec.SECP256R1(), kid="b")], True),
        ([ec_key(), ec_key(ec.SECP256R1())], True),
        ([ec_key(kid="a"), rsa_key(kid="a")], True),
        ([rsa_key(kid="a", use="sig"), rsa_key(kid="a", use="enc")], True),
        ([rsa_key(kid="a", alg="RS256"), rsa_key(kid="a", alg="PS256")], True),
        ([ec_key(kid="a"), ec_key(ec.SECP256R1(), kid="a")], False),
        ([ec_key(kid="a", alg="ES256"), ec_key(ec.SECP256R1(), kid="a")], False),
    ],
    ids=["names", "nameless", "types", "uses", "algorithms", "same", "same but for alg"],
)
def test_a_name_stands_for_one_key(keys, is_taken):
    """A signature that names its key must not leave a choice."""
    try:
        check_public_jwk_set(key_set(*keys))
        taken = True
    except FieldError:
        taken = False

    assert is_taken == taken


@pytest.mark.spec("C-008")
def test_fetched_sets_lose_what_cannot_be_used():
    """A publisher may show keys of kinds we do not know; the others still work."""
    good = ec_key(kid="good")
    rest = [key for name, key in REFUSED_KEYS.items() if "kid" not in name]

    usable = usable_keys({"keys": [*rest, good, ec_key(d="AA"), "key"], "more": 1})

    assert key_set(good) == usable


def test_fetched_sets_are_read_up_to_a_bound():
    """A publisher cannot make a verification cost what it likes."""
    usable = usable_keys(key_set(*[ec_key()] * (MAX_FETCHED_KEYS + 5)))

    assert MAX_FETCHED_KEYS == len(usable["keys"])


@pytest.mark.parametrize("value", [None, [], {"key": []}, {"keys": "no"}], ids=repr)
def test_a_fetched_document_that_is_no_set_is_refused(value):
    """An error page must not count as a client without keys."""
    with pytest.raises(FieldError):
        usable_keys(value)


def test_a_signature_is_tried_with_keys_that_fit_it():
    """Name, type, curve, purpose and declared algorithm all have a say."""
    p256 = ec_key(kid="a")
    p384 = ec_key(ec.SECP384R1(), kid="a")
    bare = ec_key(ec.SECP256R1())
    encryption = ec_key(ec.SECP256R1(), kid="a", use="enc")
    rsa_any = rsa_key(kid="a")
    rsa_pss = rsa_key(kid="a", alg="PS256")
    edwards = okp_key(kid="a", alg="Ed25519")
    ed448_key = okp_key(ed448.Ed448PrivateKey.generate(), kid="a", alg="Ed448")
    jwks = key_set(p256, p384, bare, encryption, rsa_any, rsa_pss, edwards, ed448_key)

    def chosen(alg, kid, **use):
        return list(select_keys(jwks, alg=alg, kid=kid, **use))

    assert [p256] == chosen("ES256", "a")
    assert [p256, bare] == chosen("ES256", None)
    assert [rsa_any] == chosen("RS256", "a")
    assert [rsa_any, rsa_pss] == chosen("PS256", "a")
    assert [edwards] == chosen("EdDSA", "a")
    assert [edwards] == chosen("Ed25519", "a")
    assert [encryption] == chosen("ECDH-ES", "a", use="enc")
    assert [] == chosen("ES256", "b")
    assert [] == chosen("HS256", "a")
    assert [] == chosen("none", "a")


def test_thumbprint_of_the_rfcs():
    """Everybody computes the same name for a key (RFC 7638 §3.1, RFC 8037 appendix A.3)."""
    _, rsa_example, okp_example = RFC_KEYS["keys"]

    assert "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" == thumbprint(rsa_example)
    assert "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" == thumbprint(okp_example)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(ec_key(), ECKey), (rsa_key(kid="a", use="sig"), RSAKey), (okp_key(), OKPKey)],
    ids=["EC", "RSA", "OKP"],
)
def test_thumbprint_agrees_with_another_library(ours, theirs):
    """A name that only we understand is no name."""
    assert theirs.import_key(json.loads(json.dumps(ours))).thumbprint() == thumbprint(ours)
