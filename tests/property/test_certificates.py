"""Certificates beside a key are bytes of strangers: they are read, or refused, and nothing else."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import example, given
from hypothesis import strategies as st

from registrary.core.errors import FieldError
from registrary.core.jwk import check_public_jwk_set, usable_keys
from registrary.core.jwk.certificates import check_certificates
from registrary.keys.maker import public_members

# What the library says of strange serial numbers; such a certificate is read all the same.
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")

VERSION = bytes.fromhex("a003020102")  # the third version, as it stands in each of them
Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def certificate_of(private: Private) -> bytes:
    """Return a certificate that *private* signed for itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client.example")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(5)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
    )
    digest = None if isinstance(private, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(private, digest).public_bytes(Encoding.DER)


PRIVATES: dict[str, Private] = {
    "EC": ec.generate_private_key(ec.SECP256R1()),
    "OKP": ed25519.Ed25519PrivateKey.generate(),
    "RSA": rsa.generate_private_key(65537, 2048),
}
CASES = {kty: (public_members(key), certificate_of(key)) for kty, key in PRIVATES.items()}


def judged(key: dict[str, Any]) -> str | None:
    """Return what is wrong with a registered set of *key* alone, which a fetched one leaves out."""
    usable = usable_keys({"keys": [key]})["keys"]
    try:
        check_public_jwk_set({"keys": [key]})
    except FieldError as error:
        assert [] == usable
        return error.rule
    assert [key] == usable
    return None


@pytest.mark.parametrize("kty", CASES)
def test_a_whole_certificate_is_read(kty):
    """The others prove nothing unless this one is taken."""
    members, der = CASES[kty]

    assert judged(members | {"x5c": [b64encode(der).decode()]}) is None


@given(
    kty=st.sampled_from(sorted(CASES)),
    damage=st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=3),
    cut=st.none() | st.integers(0, 700),
)
@example(kty="EC", damage=[(0, 0)], cut=0)
def test_a_damaged_certificate_is_refused_or_read(kty, damage, cut):
    """One flipped bit in what a stranger sends must not be an internal error."""
    members, der = CASES[kty]
    octets = bytearray(der)
    for place, octet in damage:
        octets[place % len(octets)] = octet

    rule = judged(members | {"x5c": [b64encode(bytes(octets[:cut])).decode()]})

    assert rule is None or rule.startswith("keys[0]: ")


@pytest.mark.parametrize("version", [1, 3, 4, 0x7F, 0x80, 0xFF])
@pytest.mark.parametrize("kty", CASES)
def test_a_certificate_of_a_version_to_come_is_refused(kty, version):
    """The library has an error of its own for these; it was answered by 500 once."""
    members, der = CASES[kty]
    octets = der.replace(VERSION, VERSION[:-1] + bytes([version]), 1)

    rule = judged(members | {"x5c": [b64encode(octets).decode()]})

    assert "keys[0]: x5c must begin with a certificate that can be read" == rule


def test_a_key_that_the_library_refuses_is_refused_by_name():
    """Our own checks come first; where they differ the caller still hears which member it is."""
    members, der = CASES["EC"]
    beside_the_curve = members | {"y": members["x"], "x5c": [b64encode(der).decode()]}

    with pytest.raises(FieldError, match="must be a key that can be used"):
        check_certificates(beside_the_curve)
