"""Certificates of clients, from authorities of a test's own or of the clients' making."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from registrary.core.base64url import encode

_DAY: Final = timedelta(days=1)
CLIENTS: Final = (ExtendedKeyUsageOID.CLIENT_AUTH,)


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """A certificate and the key that proves it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        """Return the certificate as it goes through TLS."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """Return the certificate as files hold it."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def jwk(self) -> dict[str, Any]:  # Any: members are JSON values
        """Return the public key as a client registers it, with its certificate."""
        numbers = self.key.public_key().public_numbers()
        x, y = (encode(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        x5c = [base64.b64encode(self.der).decode()]
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "x5c": x5c}

    def write(self, folder: Path, name: str = "client") -> tuple[Path, Path]:
        """Write certificate and key into *folder*; return both paths."""
        private = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        paths = folder / f"{name}.pem", folder / f"{name}.key"
        for path, content in zip(paths, (self.pem, private), strict=True):
            path.write_bytes(content)
        return paths


class ClientAuthority:
    """An authority that issues certificates to clients, valid around *now*."""

    def __init__(self, name: str = "CN=Authority of clients", now: datetime | None = None) -> None:
        self._now = now or datetime.now(UTC)
        subject = x509.Name.from_rfc4514_string(name)
        key = ec.generate_private_key(ec.SECP256R1())
        made = (
            _builder(subject, subject, key.public_key())
            .not_valid_before(self._now - 30 * _DAY)
            .not_valid_after(self._now + 30 * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.own = HeldCertificate(made, key)

    @property
    def pem(self) -> bytes:
        """Return the authority's certificate."""
        return self.own.pem

    def issue(
        self,
        subject: str = "CN=client",
        *names: x509.GeneralName,
        valid_for: timedelta = _DAY,
        usages: Sequence[x509.ObjectIdentifier] = CLIENTS,
    ) -> HeldCertificate:
        """Issue a certificate for *subject* and alternative *names*.

        It became valid three days ago; with negative *valid_for* it has ended since.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(
                x509.Name.from_rfc4514_string(subject),
                self.own.certificate.subject,
                key.public_key(),
            )
            .not_valid_before(self._now - 3 * _DAY)
            .not_valid_after(self._now + valid_for)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return HeldCertificate(builder.sign(self.own.key, hashes.SHA256()), key)


def self_signed(subject: str = "CN=client", *, now: datetime | None = None) -> HeldCertificate:
    """Return a certificate that a client made for itself."""
    return ClientAuthority(subject, now).own


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(issuer, subject, key)
    return builder.serial_number(x509.random_serial_number())
