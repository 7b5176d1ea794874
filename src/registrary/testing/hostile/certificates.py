"""A certificate authority for one test run."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY: Final = timedelta(days=1)


class CertificateAuthority:
    """Issues server certificates under a root of its own, made anew each time.

    Nobody trusts it until told to: `write` its certificate and name the file where trust is
    configured. Keys live in memory, and for a moment in a private temporary folder, because
    Python's ``ssl`` reads them from files only.
    """

    def __init__(self, name: str = "Hostile test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder(self._name, self._name, self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 30 * _DAY)
            .not_valid_after(now + 30 * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(sign_certificates=True), critical=True)
            .add_extension(_key_id(self._key), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """The root certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    def write(self, path: Path) -> Path:
        """Write the root certificate to *path* and return *path*."""
        path.write_bytes(self.pem)
        return path

    def server_context(self, *names: str) -> ssl.SSLContext:
        """Return the context of a server whose certificate is for *names*, hosts or addresses."""
        now = datetime.now(UTC)
        return self._context(names, now - _DAY, now + _DAY)

    def expired_server_context(self, *names: str) -> ssl.SSLContext:
        """Return a context like that of `server_context`, a day too late."""
        now = datetime.now(UTC)
        return self._context(names, now - 3 * _DAY, now - _DAY)

    def write_server(self, folder: Path, *names: str) -> tuple[Path, Path]:
        """Write a certificate for *names* and its key into *folder*; return both paths."""
        now = datetime.now(UTC)
        certificate, key = self._issue(names, now - _DAY, now + _DAY)
        paths = folder / "server.pem", folder / "server.key"
        for path, pem in zip(paths, (certificate, key), strict=True):
            path.write_bytes(pem)
        return paths

    def _context(
        self, names: tuple[str, ...], not_before: datetime, not_after: datetime
    ) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as folder:
            chain = Path(folder, "server.pem")
            chain.write_bytes(b"".join(self._issue(names, not_before, not_after)))
            context.load_cert_chain(chain)
        return context

    def _issue(
        self, names: tuple[str, ...], not_before: datetime, not_after: datetime
    ) -> tuple[bytes, bytes]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hostile test server")])
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        certificate = (
            x509.CertificateBuilder(self._name, subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before)
            .not_valid_after(not_after)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(alternatives, critical=False)
            .add_extension(_key_id(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return certificate.public_bytes(Encoding.PEM), private


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_id(key: ec.EllipticCurvePrivateKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
