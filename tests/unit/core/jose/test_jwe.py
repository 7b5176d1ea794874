"""What is encrypted to a client only that client reads, and the other way round."""

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x448, x25519
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwe as other_jwe
from joserfc.jwk import ECKey, OKPKey, RSAKey

from registrary.core.base64url import decode, encode
from registrary.core.entropy import Draw
from registrary.core.jose import JoseError
from registrary.core.jose.content_encryption import CbcHmac
from registrary.core.jose.jwe import (
    ENCRYPT_DRAW_BYTES,
    KEY_ALGORITHMS,
    MAX_JWE_CHARACTERS,
    decrypt,
    decrypt_jwt,
    encrypt,
    encryption_key,
    is_encrypted,
    load_decryption_key,
)
from registrary.core.jose.key_agreement import (
    Parties,
    agreement_jwk,
    derived_key,
    ephemeral_key,
    shared_secret,
)
from registrary.core.jwk import check_public_jwk_set

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ENCODINGS = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
PLAINTEXT = b'{"sub":"p"}'

RSA_PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
# Any: the classes share their methods by convention only.
PRIVATE: dict[str, Any] = {
    "RSA": RSA_PRIVATE,
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "P-521": ec.generate_private_key(ec.SECP521R1()),
    "X25519": x25519.X25519PrivateKey.generate(),
    "X448": x448.X448PrivateKey.generate(),
}
_KINDS: dict[str, Any] = {"RSA": RSAKey, "X25519": OKPKey, "X448": OKPKey}
THEIRS = {
    name: _KINDS.get(name, ECKey).import_key(private, {"kid": name, "use": "enc"})
    for name, private in PRIVATE.items()
}
JWKS = check_public_jwk_set({"keys": [key.as_dict(private=False) for key in THEIRS.values()]})
SHAPES = [
    (name, alg)
    for name in PRIVATE
    for alg in sorted(KEY_ALGORITHMS)
    if (name == "RSA") is (alg == "RSA-OAEP-256")
]
_REGISTRY = other_jwe.JWERegistry(algorithms=[*KEY_ALGORITHMS, *ENCODINGS, "DEF"])


def der(private):
    """Return a private key as it is stored."""
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


OURS = {name: load_decryption_key(der(private), kid=name) for name, private in PRIVATE.items()}


def public(name):
    """Return one public key of the set."""
    return next(key for key in JWKS["keys"] if key["kid"] == name)


def draw():
    """Return randomness that is the same each time."""
    return Draw(bytes(index * 7 % 251 for index in range(ENCRYPT_DRAW_BYTES)))


def theirs(name="P-256", plaintext=PLAINTEXT, **header):
    """Return what the other library encrypts to our key *name*."""
    header = {"alg": "ECDH-ES+A128KW", "enc": "A128GCM", "kid": name, **header}
    present = {name: value for name, value in header.items() if value is not ...}
    return other_jwe.encrypt_compact(present, plaintext, THEIRS[name], registry=_REGISTRY)


def opened(text, keys=None, **changes):
    """Return what our own keys find in *text*."""
    accepted = {"algorithms": KEY_ALGORITHMS, "encodings": ENCODINGS, **changes}
    return decrypt(text, list(OURS.values()) if keys is None else keys, **accepted)


@pytest.mark.parametrize("enc", ENCODINGS)
@pytest.mark.parametrize(("name", "alg"), SHAPES)
def test_another_library_reads_what_we_encrypt(name, alg, enc):
    """A client that cannot open its ID token has no use of it."""
    text = encrypt(PLAINTEXT, public(name), alg=alg, enc=enc, cty="JWT", draw=draw())

    read = other_jwe.decrypt_compact(text, THEIRS[name], registry=_REGISTRY)

    assert (PLAINTEXT, alg, enc, name, "JWT") == (
        read.plaintext,
        *(read.protected[member] for member in ("alg", "enc", "kid", "cty")),
    )


@pytest.mark.parametrize("enc", ENCODINGS)
@pytest.mark.parametrize(("name", "alg"), SHAPES)
def test_we_read_what_another_library_encrypts(name, alg, enc):
    """Request objects come from the libraries of others."""
    assert PLAINTEXT == opened(theirs(name, alg=alg, enc=enc))


@pytest.mark.parametrize(("name", "alg"), SHAPES)
def test_we_read_what_we_encrypt(name, alg):
    """The simplest round there is, for every key and algorithm."""
    text = encrypt(PLAINTEXT, public(name), alg=alg, enc="A128CBC-HS256", draw=draw())

    assert PLAINTEXT == opened(text)


def test_a_token_that_names_no_key_is_tried_with_those_that_fit():
    """``kid`` is optional, and a key just rotated away still opens what is on its way."""
    assert PLAINTEXT == opened(theirs(kid=...))


def test_only_so_many_keys_are_tried():
    """A token without a kid must not cost as many agreements as there ever were keys."""
    others = [
        load_decryption_key(der(ec.generate_private_key(ec.SECP256R1())), kid=f"old-{number}")
        for number in range(4)
    ]

    with pytest.raises(JoseError):
        opened(theirs(kid=...), [*others, OURS["P-256"]])


def test_what_the_sender_says_of_the_parties_is_part_of_the_key():
    """RFC 7518 §4.6.1: libraries of others may set apu and apv."""
    text = theirs(apu=encode(b"Alice"), apv=encode(b"Bob"))

    assert PLAINTEXT == opened(text)


def with_header(text, **changes):
    """Return *text* with another header, which no longer is what was authenticated."""
    head, _, rest = text.partition(".")
    members = {**json.loads(decode(head)), **changes}
    return f"{encode(json.dumps(members).encode())}.{rest}"


def with_part(position, value):
    """Return a token whose part at *position* is another."""
    parts = theirs().split(".")
    parts[position] = value
    return ".".join(parts)


WRONG = {
    "empty": "",
    "three-parts": "a.b.c",
    "six-parts": f"{theirs()}.x",
    "header-no-json": with_part(0, encode(b"{")),
    "header-no-object": with_part(0, encode(b"[]")),
    "header-changed": with_header(theirs(), typ="JWT"),
    "another-kid": with_header(theirs(), kid="P-384"),
    "kid-is-number": with_header(theirs(), kid=1),
    "alg-is-number": with_header(theirs(), alg=1),
    "enc-missing": with_header(theirs(), enc=None),
    "must-be-understood": with_header(theirs(), crit=["exp"]),
    "compressed": theirs(zip="DEF"),
    "epk-missing": with_header(theirs(), epk=None),
    "epk-of-another-curve": with_header(theirs(), epk=public("P-384")),
    "epk-of-another-kind": with_header(theirs(), epk=public("RSA")),
    "epk-off-the-curve": with_header(theirs(), epk={**public("P-256"), "y": "A" * 43}),
    "epk-private": with_header(theirs(), epk=THEIRS["P-256"].as_dict(private=True)),
    "apu-no-text": with_header(theirs(), apu=1),
    "apu-no-base64": with_header(theirs(), apu="="),
    "key-cut": with_part(1, theirs().split(".")[1][:-4]),
    "key-empty": with_part(1, ""),
    "key-in-direct-agreement": with_header(theirs(), alg="ECDH-ES"),
    "vector-short": with_part(2, "AAAA"),
    "content-no-base64": with_part(3, "=="),
    "tag-empty": with_part(4, ""),
    "to-another": other_jwe.encrypt_compact(
        {"alg": "ECDH-ES", "enc": "A128GCM"},
        PLAINTEXT,
        ECKey.generate_key("P-256"),
        registry=_REGISTRY,
    ),
    "rsa-to-another": other_jwe.encrypt_compact(
        {"alg": "RSA-OAEP-256", "enc": "A128GCM"},
        PLAINTEXT,
        RSAKey.generate_key(2048),
        registry=_REGISTRY,
    ),
    "huge": "a" * (MAX_JWE_CHARACTERS + 1),
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
@pytest.mark.spec("J-032", "J-033", "J-034")
def test_a_token_with_one_fault_is_not_opened(text):
    """Whatever is wrong, the answer is one error, and none that names a key or a value."""
    with pytest.raises(JoseError):
        opened(text)


@pytest.mark.spec("J-030")
def test_failures_of_keys_cannot_be_told_apart():
    """An oracle needs a difference; a padding, a tag and a curve give the same text."""
    said = set()
    for case in ("epk-off-the-curve", "key-cut", "header-changed", "to-another", "rsa-to-another"):
        with pytest.raises(JoseError) as caught:
            opened(WRONG[case])
        said.add(str(caught.value))

    assert {"the token cannot be decrypted"} == said


def test_a_long_token_is_not_even_taken_apart():
    """What strangers send costs no more than what it is worth."""
    text = theirs(plaintext=b"x" * MAX_JWE_CHARACTERS)

    with pytest.raises(JoseError, match="too long"):
        opened(text)


@pytest.mark.spec("J-033")
def test_direct_agreement_leaves_no_room_for_a_key():
    """RFC 7516 §5.2 step 10: bytes that nothing authenticates would ride along."""
    parts = theirs(alg="ECDH-ES").split(".")

    assert PLAINTEXT == opened(".".join(parts))
    with pytest.raises(JoseError):
        opened(".".join([parts[0], "AAAA", *parts[2:]]))


def test_a_wrapped_key_of_another_length_is_not_used():
    """A longer key would be split in the wrong place, and still seem to fit."""
    recipient = PRIVATE["P-256"]
    ephemeral = ephemeral_key(recipient.public_key(), draw())
    header = {"alg": "ECDH-ES+A128KW", "enc": "A128CBC-HS256", "epk": agreement_jwk(ephemeral)}
    secret = shared_secret(ephemeral, recipient.public_key())
    wrapping = derived_key(secret, algorithm="ECDH-ES+A128KW", octets=16, parties=Parties())
    head = encode(json.dumps(header).encode())

    def token(content_key):
        """Return a token sealed and wrapped with *content_key*, of whatever length."""
        sealed = CbcHmac("sha256", 16).seal(
            PLAINTEXT, key=content_key, iv=bytes(16), aad=head.encode()
        )
        parts = (aes_key_wrap(wrapping, content_key), bytes(16), sealed.ciphertext, sealed.tag)
        return ".".join([head, *map(encode, parts)])

    assert PLAINTEXT == opened(token(bytes(32)))
    with pytest.raises(JoseError):
        opened(token(bytes(48)))


@pytest.mark.parametrize(
    "accepted", [{"algorithms": ["ECDH-ES"]}, {"encodings": ["A256GCM"]}, {"algorithms": []}]
)
def test_what_is_not_offered_is_not_opened(accepted):
    """The list in the metadata is a promise in both directions."""
    with pytest.raises(JoseError, match="may be used"):
        opened(theirs(), **accepted)


@pytest.mark.spec("J-035")
def test_an_algorithm_we_lack_is_not_opened_even_where_a_caller_lists_it():
    """RSA1_5 and dir stay out, whatever a configuration says."""
    for alg in ("RSA1_5", "dir", "none"):
        with pytest.raises(JoseError):
            opened(with_header(theirs(), alg=alg), algorithms=[alg])


@pytest.mark.parametrize(
    ("alg", "kid"),
    [("ECDH-ES", "X448"), ("ECDH-ES+A256KW", "X448"), ("RSA-OAEP-256", "RSA"), ("dir", None)],
)
def test_the_key_to_encrypt_to_is_the_first_that_fits(alg, kid):
    """A set holds keys for several purposes; the wrong one opens nothing."""
    signing = ECKey.generate_key("P-256", {"kid": "s", "use": "sig"}).as_dict(private=False)

    found = encryption_key({"keys": [signing, *reversed(JWKS["keys"])]}, alg=alg)

    assert kid == (found or {}).get("kid")


@pytest.mark.parametrize(
    ("name", "alg", "enc"),
    [
        ("RSA", "ECDH-ES", "A128GCM"),
        ("P-256", "RSA-OAEP-256", "A128GCM"),
        ("P-256", "dir", "A128GCM"),
        ("P-256", "ECDH-ES", "A192GCM"),
    ],
)
def test_what_does_not_go_together_is_an_error_of_the_caller(name, alg, enc):
    """A registration that was judged cannot ask for this; saying so beats a broken token."""
    with pytest.raises(ValueError, match=r"."):
        encrypt(PLAINTEXT, public(name), alg=alg, enc=enc, draw=draw())


def test_a_key_that_only_signs_opens_nothing():
    """Keys have one purpose each."""
    with pytest.raises(ValueError, match="decrypts nothing"):
        load_decryption_key(der(ed25519.Ed25519PrivateKey.generate()), kid="k")


def test_a_private_key_is_not_shown():
    """Keys end up in tracebacks by their repr."""
    assert "DecryptionKey(kid='RSA')" == repr(OURS["RSA"])


def test_a_nested_token_is_given_back_as_text():
    """The signature inside is still to be judged, as of any token."""
    accepted = {"algorithms": KEY_ALGORITHMS, "encodings": ENCODINGS}
    text = theirs(plaintext=b"a.b.c", cty="JWT")

    assert "a.b.c" == decrypt_jwt(text, list(OURS.values()), **accepted)
    with pytest.raises(JoseError):
        decrypt_jwt(theirs(plaintext=b"\xff"), list(OURS.values()), **accepted)


def test_an_encrypted_token_is_told_by_its_parts():
    """Which reader a token is for is seen before anything in it is read."""
    assert [True, False, False] == [is_encrypted(text) for text in (theirs(), "a.b.c", "")]


def test_nothing_is_repeated_between_two_messages():
    """A vector used twice under one key, or a key for two messages, would give both away."""
    spent = Draw(bytes(index * 7 % 251 for index in range(2 * ENCRYPT_DRAW_BYTES)))
    first, second = (
        encrypt(PLAINTEXT, public("P-256"), alg="ECDH-ES+A256KW", enc="A256GCM", draw=spent).split(
            "."
        )
        for _ in range(2)
    )

    assert all(one != other for one, other in itertools.zip_longest(first, second))
