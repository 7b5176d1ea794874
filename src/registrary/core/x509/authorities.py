"""Who may vouch for clients: the certificates an operator named."""

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from registrary.core.errors import FieldError
from registrary.core.jwk.members import MIN_RSA_BITS


class Authorities:
    """The certificate authorities whose clients are believed (RFC 8705 §2.1).

    Every one of them is an end of the path, so an authority that issues to clients is named
    itself: of what a client sends, and of what proxies pass on, only its own certificate counts.
    """

    def __init__(self, certificates: list[x509.Certificate]) -> None:
        self._store = verification.Store(certificates)

    @classmethod
    def parse(cls, pem: bytes) -> "Authorities":
        """Return the authorities in *pem*; raises FieldError when there is none, or not one."""
        try:
            certificates = x509.load_pem_x509_certificates(pem)
        except ValueError:
            raise FieldError("must be a PEM file of certificates") from None
        for certificate in certificates:
            if not _may_issue(certificate):
                raise FieldError("must hold certificates of authorities alone, with RSA or EC keys")
        return cls(certificates)

    def vouch_for(self, certificate: x509.Certificate, *, now: datetime) -> bool:
        """Tell whether one of them issued *certificate* to a client, and both are valid *now*."""
        verifier = (
            verification.PolicyBuilder()
            .store(self._store)
            .time(now)
            .extension_policies(ca_policy=_FOR_AUTHORITIES, ee_policy=_FOR_CLIENTS)
            .build_client_verifier()
        )
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
            return False
        try:
            verifier.verify(certificate, [])
        except verification.VerificationError:
            return False
        return True


def _may_issue(certificate: x509.Certificate) -> bool:
    """Tell whether *certificate* is an authority's, of a kind whose signatures are verified."""
    try:
        if not isinstance(certificate.public_key(), rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            return False
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, UnsupportedAlgorithm, ValueError):
        return False


def _demand_client_use(
    policy: verification.Policy,
    certificate: x509.Certificate,
    usage: x509.ExtendedKeyUsage | None,
) -> None:
    """Refuse a certificate made for servers, or for anything else (RFC 5280 §4.2.1.12)."""
    del policy, certificate
    good = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if usage is not None and good.isdisjoint(usage):
        raise ValueError("not for clients")


def _demand_issuer(
    policy: verification.Policy,
    certificate: x509.Certificate,
    constraints: x509.BasicConstraints,
) -> None:
    del policy, certificate
    if not constraints.ca:
        raise ValueError("no authority")


def _demand_signing(
    policy: verification.Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None
) -> None:
    del policy, certificate
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("not for signing certificates")


# The library's own profile is that of servers on the web: it demands alternative names and key
# identifiers, which authorities of organisations leave out. What RFC 5280 §6.1 demands is kept.
_ANY = verification.Criticality.AGNOSTIC
_FOR_CLIENTS = verification.ExtensionPolicy.permit_all().may_be_present(
    x509.ExtendedKeyUsage, _ANY, _demand_client_use
)
_FOR_AUTHORITIES = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, _ANY, _demand_issuer)
    .may_be_present(x509.KeyUsage, _ANY, _demand_signing)
)
