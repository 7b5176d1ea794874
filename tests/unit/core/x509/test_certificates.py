from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from registrary.core.errors import FieldError
from registrary.core.x509.authorities import Authorities
from registrary.core.x509.certificates import (
    MAX_CERTIFICATE_BYTES,
    is_named,
    read_certificate,
)
from registrary.testing.client_certificates import ClientAuthority
from registrary.testing.clock import MOMENT

AUTHORITY = ClientAuthority(now=MOMENT)
TRUSTED = Authorities.parse(AUTHORITY.pem)
NAMES = (
    x509.DNSName("Client.example"),
    x509.UniformResourceIdentifier("spiffe://example/client"),
    x509.IPAddress(ip_address("2001:db8::1")),
    x509.RFC822Name("Ops@Client.example"),
)
NAMED = AUTHORITY.issue("CN=client,O=Example", *NAMES).certificate


@pytest.mark.parametrize(
    ("member", "registered"),
    [
        ("tls_client_auth_subject_dn", "cn=client, o=Example"),
        ("tls_client_auth_san_dns", "client.example"),
        ("tls_client_auth_san_uri", "spiffe://example/client"),
        ("tls_client_auth_san_ip", "2001:DB8:0:0::1"),
        ("tls_client_auth_san_email", "Ops@client.example"),
    ],
    ids=["dn", "dns", "uri", "ip", "email"],
)
@pytest.mark.spec("E-020")
def test_a_certificate_is_for_the_subject_it_names(member, registered):
    """Each kind of name has its own way of being equal (RFC 5280 §7)."""
    assert is_named(NAMED, member, registered)


@pytest.mark.parametrize(
    ("member", "registered"),
    [
        ("tls_client_auth_subject_dn", "O=Example,CN=client"),
        ("tls_client_auth_subject_dn", "CN=client"),
        ("tls_client_auth_san_dns", "client"),
        ("tls_client_auth_san_dns", "spiffe://example/client"),
        ("tls_client_auth_san_dns", "2001:db8::1"),
        ("tls_client_auth_san_uri", "spiffe://example/Client"),
        ("tls_client_auth_san_uri", "client.example"),
        ("tls_client_auth_san_ip", "2001:db8::2"),
        ("tls_client_auth_san_email", "ops@client.example"),
        ("tls_client_auth_san_email", "client.example"),
    ],
)
@pytest.mark.spec("E-020")
def test_a_name_of_another_kind_or_spelling_is_another(member, registered):
    """A host in a certificate must not pass for an address, or the text of one."""
    assert not is_named(NAMED, member, registered)


@pytest.mark.parametrize("member", ["dns", "uri", "ip", "email"])
def test_a_certificate_without_alternative_names_is_for_none(member):
    """The common name is no host: comparing it so is how names were confused."""
    bare = AUTHORITY.issue("CN=client.example").certificate
    registered = {"ip": "192.0.2.1", "email": "a@client.example"}.get(member, "client.example")

    assert not is_named(bare, f"tls_client_auth_san_{member}", registered)


@pytest.mark.spec("E-020")
def test_an_authority_vouches_for_what_it_issued():
    """Certificates of organisations have neither alternative names nor key identifiers."""
    assert TRUSTED.vouch_for(AUTHORITY.issue().certificate, now=MOMENT)
    assert TRUSTED.vouch_for(AUTHORITY.issue(usages=()).certificate, now=MOMENT)


@pytest.mark.spec("E-020")
def test_an_authority_of_the_same_name_vouches_for_nothing():
    """Anybody can call an authority as he likes; only its key tells."""
    impostor = ClientAuthority(now=MOMENT)

    assert not TRUSTED.vouch_for(impostor.issue().certificate, now=MOMENT)


def test_a_client_does_not_vouch_for_another():
    """A certificate in somebody's hands must not make more of them."""
    client = AUTHORITY.issue("CN=client")
    subject = x509.Name.from_rfc4514_string("CN=other")
    forged = (
        x509.CertificateBuilder(client.certificate.subject, subject, client.key.public_key())
        .serial_number(1)
        .not_valid_before(MOMENT - timedelta(days=1))
        .not_valid_after(MOMENT + timedelta(days=1))
        .sign(client.key, hashes.SHA256())
    )

    assert not TRUSTED.vouch_for(forged, now=MOMENT)


@pytest.mark.parametrize("days", [-4, 2], ids=["not yet", "no more"])
@pytest.mark.spec("E-020")
def test_a_certificate_out_of_its_time_is_refused(days):
    """What ended may have been given up, its key with it."""
    certificate = AUTHORITY.issue().certificate

    assert not TRUSTED.vouch_for(certificate, now=MOMENT + timedelta(days=days))


def test_a_certificate_for_servers_is_none_of_a_client():
    """Whoever runs a server of that name is not its client (RFC 5280 §4.2.1.12)."""
    server = AUTHORITY.issue(usages=(ExtendedKeyUsageOID.SERVER_AUTH,)).certificate

    assert not TRUSTED.vouch_for(server, now=MOMENT)


def test_a_short_key_is_refused():
    """It can be found from its public half (RFC 7518 §3.3 asks as much of other keys)."""
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point
    issuer = AUTHORITY.own.certificate.subject
    subject = x509.Name.from_rfc4514_string("CN=client")
    weak = (
        x509.CertificateBuilder(issuer, subject, key.public_key())
        .serial_number(1)
        .not_valid_before(MOMENT - timedelta(days=1))
        .not_valid_after(MOMENT + timedelta(days=1))
        .sign(AUTHORITY.own.key, hashes.SHA256())
    )

    assert not TRUSTED.vouch_for(weak, now=MOMENT)


@pytest.mark.parametrize(
    ("pem", "rule"),
    [
        (b"", "must be a PEM file of certificates"),
        (b"nonsense", "must be a PEM file of certificates"),
        (AUTHORITY.issue().pem, "must hold certificates of authorities alone"),
        (AUTHORITY.pem + AUTHORITY.issue().pem, "must hold certificates of authorities alone"),
    ],
    ids=["empty", "no PEM", "a client's", "a client's among them"],
)
def test_a_file_of_authorities_holds_nothing_else(pem, rule):
    """A mistake in the file is told at start, not by clients that are refused."""
    with pytest.raises(FieldError, match=rule):
        Authorities.parse(pem)


@pytest.mark.parametrize(
    "der",
    [b"", b"\x30\x03\x02\x01\x05", b"\x30" * 100, b"\x30" * (MAX_CERTIFICATE_BYTES + 1)],
    ids=["empty", "other DER", "nested", "long"],
)
def test_what_is_no_certificate_is_refused(der):
    """A proxy passes on what it was told to, not what it understood."""
    with pytest.raises(FieldError, match="the certificate"):
        read_certificate(der)
