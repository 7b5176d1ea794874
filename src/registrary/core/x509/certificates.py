"""One certificate as a client proves it in TLS: read whole, and whom it names."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from registrary.core.errors import FieldError
from registrary.core.x509.names import name_of, parse_name

# What the library raises about a certificate, none of it a kind of the others.
_UNREADABLE: Final = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
MAX_CERTIFICATE_BYTES: Final = 16 * 1024  # of DER; real ones have one or two kilobytes


def read_certificate(der: bytes) -> x509.Certificate:
    """Return the certificate *der* holds; raises FieldError when it cannot be read whole."""
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise FieldError(f"the certificate must not exceed {MAX_CERTIFICATE_BYTES} bytes")
    try:
        certificate = x509.load_der_x509_certificate(der)
        # All are read late, and what cannot be read must not surprise whoever compares.
        _ = certificate.subject, certificate.extensions, certificate.public_key()
    except _UNREADABLE:
        raise FieldError("the certificate cannot be read") from None
    return certificate


def is_named(certificate: x509.Certificate, member: str, registered: str) -> bool:
    """Tell whether *certificate* is for the subject that *registered* names (RFC 8705 §2.1.2).

    *member* is the client's: ``tls_client_auth_subject_dn`` or one of its siblings. A name of one
    kind never stands for one of another.
    """
    return _COMPARISONS[member](certificate, registered)


def _has_subject(certificate: x509.Certificate, registered: str) -> bool:
    subject = name_of(
        [(attribute.oid.dotted_string, attribute.value) for attribute in part]
        for part in certificate.subject.rdns
    )
    try:
        return bool(subject) and subject == parse_name(registered)
    except FieldError:
        return False


def _has_host(certificate: x509.Certificate, registered: str) -> bool:
    """Compare as DNS does: without case (RFC 5280 §7.2)."""
    names = _alternatives(certificate).get_values_for_type(x509.DNSName)
    return registered.lower() in (name.lower() for name in names)


def _has_uri(certificate: x509.Certificate, registered: str) -> bool:
    names = _alternatives(certificate).get_values_for_type(x509.UniformResourceIdentifier)
    return registered in names


def _has_address(certificate: x509.Certificate, registered: str) -> bool:
    """Compare numbers: an IPv6 address has many spellings (RFC 8705 §2.1.2)."""
    names = _alternatives(certificate).get_values_for_type(x509.IPAddress)
    return ip_address(registered) in names


def _has_mailbox(certificate: x509.Certificate, registered: str) -> bool:
    """Compare the host without case, the rest as it is (RFC 5280 §7.5)."""
    names = _alternatives(certificate).get_values_for_type(x509.RFC822Name)
    return _mailbox(registered) in map(_mailbox, names)


def _mailbox(address: str) -> tuple[str, str]:
    local, _, host = address.rpartition("@")
    return local, host.lower()


def _alternatives(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


_COMPARISONS: Final[Mapping[str, Callable[[x509.Certificate, str], bool]]] = {
    "tls_client_auth_subject_dn": _has_subject,
    "tls_client_auth_san_dns": _has_host,
    "tls_client_auth_san_uri": _has_uri,
    "tls_client_auth_san_ip": _has_address,
    "tls_client_auth_san_email": _has_mailbox,
}
