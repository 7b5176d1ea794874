"""Certificates beside a bare key: the first one must be for the very same key (C-008)."""

import base64
import binascii
import hashlib
from typing import Final

from registrary.core.base64url import encode
from registrary.core.errors import FieldError
from registrary.core.jwk.members import Jwk
from registrary.core.jwk.objects import PublicKey, load_public_key

MAX_CERTIFICATES: Final = 10
MAX_CERTIFICATE_TEXT: Final = 16_384  # characters of base64


def check_certificates(key: Jwk) -> None:
    """Raise FieldError unless ``x5c``, if present, begins with a certificate for this key.

    Only that certificate is read: the chain is neither verified nor trusted (RFC 7517 §4.7).
    """
    chain = key.get("x5c")
    if chain is None:
        return
    if not isinstance(chain, list) or not 1 <= len(chain) <= MAX_CERTIFICATES:
        raise FieldError(f"x5c must be an array of 1 to {MAX_CERTIFICATES} certificates")
    first, *_ = [_certificate_octets(entry) for entry in chain]
    if _spki(_key_of_certificate(first)) != _spki(_key_of(key)):
        raise FieldError("the first certificate of x5c must hold the same key")
    sha256 = key.get("x5t#S256")
    if sha256 is not None and sha256 != encode(hashlib.sha256(first).digest()):
        raise FieldError("x5t#S256 must be the thumbprint of the first certificate of x5c")


def _certificate_octets(entry: object) -> bytes:
    if not isinstance(entry, str) or len(entry) > MAX_CERTIFICATE_TEXT:
        raise FieldError(f"x5c must hold strings of up to {MAX_CERTIFICATE_TEXT} characters")
    try:
        # RFC 7517 §4.7: base64, not base64url.
        return base64.b64decode(entry, validate=True)
    except (binascii.Error, ValueError):
        raise FieldError("x5c must hold base64") from None


def _key_of(key: Jwk) -> object:
    try:
        return load_public_key(key)
    except ValueError:
        # Our own checks came first; where the library demands more, its word counts.
        raise FieldError("must be a key that can be used") from None


def _key_of_certificate(der: bytes) -> object:
    # Imported here: reading certificates costs 0.1 s of start-up, and few keys carry one.
    from cryptography import x509  # noqa: PLC0415 - see above
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see above

    try:
        return x509.load_der_x509_certificate(der).public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        # InvalidVersion is neither of the others, though it is about the same bytes.
        raise FieldError("x5c must begin with a certificate that can be read") from None


def _spki(key: object) -> bytes:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - as above
        Encoding,
        PublicFormat,
    )

    if not isinstance(key, PublicKey):
        raise FieldError("the first certificate of x5c must hold the same key")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
