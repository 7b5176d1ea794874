"""No certificate, name or header, whoever made it, is more than a refusal."""

import warnings
from ipaddress import ip_address

from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import assume, given
from hypothesis import strategies as st

from registrary.core.errors import FieldError
from registrary.core.x509.authorities import Authorities
from registrary.core.x509.certificates import is_named, read_certificate
from registrary.core.x509.names import name_of, parse_name
from registrary.testing.client_certificates import ClientAuthority
from registrary.testing.clock import MOMENT
from registrary.web.client_certificates import CertificateHeader, certificate_in
from registrary.web.head import judge_head

SUBJECTS = {
    "tls_client_auth_subject_dn": "CN=client,O=Example",
    "tls_client_auth_san_dns": "client.example",
    "tls_client_auth_san_uri": "spiffe://example/client",
    "tls_client_auth_san_ip": "2001:db8::1",
    "tls_client_auth_san_email": "ops@client.example",
}
AUTHORITY = ClientAuthority(now=MOMENT)
TRUSTED = Authorities.parse(AUTHORITY.pem)
GENUINE = AUTHORITY.issue(
    SUBJECTS["tls_client_auth_subject_dn"],
    x509.DNSName(SUBJECTS["tls_client_auth_san_dns"]),
    x509.UniformResourceIdentifier(SUBJECTS["tls_client_auth_san_uri"]),
    x509.IPAddress(ip_address(SUBJECTS["tls_client_auth_san_ip"])),
    x509.RFC822Name(SUBJECTS["tls_client_auth_san_email"]),
).der

changes = st.lists(
    st.tuples(st.integers(0, len(GENUINE) - 1), st.integers(0, 255)), min_size=1, max_size=3
)
values = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip())
)
types = st.sampled_from([NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.LOCALITY_NAME])


@given(changes)
def test_a_changed_certificate_is_never_vouched_for(changed):
    """Its signature covers every byte; and reading what is left of it breaks nothing."""
    der = bytearray(GENUINE)
    for position, octet in changed:
        der[position] = octet
    assume(bytes(der) != GENUINE)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library, about names that are too long
        try:
            certificate = read_certificate(bytes(der))
        except FieldError:
            return
        named = [is_named(certificate, *subject) for subject in SUBJECTS.items()]
        is_vouched_for = TRUSTED.vouch_for(certificate, now=MOMENT)

    assert len(named) == len(SUBJECTS)
    assert not is_vouched_for


@given(st.text())
def test_any_text_is_a_name_or_refused(text):
    """Names come from clients that register."""
    try:
        name = parse_name(text)
    except FieldError:
        return

    assert parse_name(text) == name


@given(st.lists(st.tuples(types, values), min_size=1, max_size=4))
def test_what_another_writes_is_read_as_the_same_name(parts):
    """The library that reads certificates also writes their names, by the same specification."""
    name = x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])

    written = name.rfc4514_string()

    ours = name_of([[(kind.dotted_string, value)] for kind, value in parts])
    assert ours == parse_name(written)


@given(st.sampled_from(CertificateHeader), st.binary(max_size=200))
def test_any_header_names_a_certificate_or_nobody(header, value):
    """Proxies pass on what callers wrote, if they were told to."""
    lines = ((b"host", b"inside"), (header.value.encode(), value))
    head = judge_head("GET", b"/", version="1.1", headers=lines)

    assert isinstance(certificate_in(header, head), bytes | None)
