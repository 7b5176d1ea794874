"""The client certificate that a proxy passes on in a header, after it ended TLS.

One header is believed, the one its operator named, and of trusted proxies alone. Whatever is not
exactly as the proxy writes it names no certificate: then the client has proved nothing.
"""

import binascii
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import unquote_to_bytes

from registrary.web.head import Head


class CertificateHeader(StrEnum):
    """Which header the trusted proxies put the client's certificate in."""

    CLIENT_CERT = "client-cert"  # RFC 9440 §2.2: the DER as a byte sequence
    SSL_CLIENT_CERT = "ssl-client-cert"  # nginx: the PEM, percent-encoded
    X_SSL_CLIENT_CERT = "x-ssl-client-cert"  # the same, as many write it
    X_FORWARDED_CLIENT_CERT = "x-forwarded-client-cert"  # Envoy: among other things, Cert="…"


_BYTE_SEQUENCE: Final = re.compile(r":([A-Za-z0-9+/]+={0,2}):")  # RFC 8941 §3.3.5
_PEM: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END CERTIFICATE-----\s*"
)
# Envoy quotes a value where it must, and escapes the quotes in it.
_PAIR: Final = re.compile(r"([A-Za-z]+)=(\"(?:[^\"\\]++|\\.)*\"|[^\";,\\]*+)(;|\Z)")


def certificate_in(header: CertificateHeader, head: Head) -> bytes | None:
    """Return the DER of the certificate that *header* of *head* holds, None without one.

    A second line of the header is somebody else's, and nobody can tell which.
    """
    name = header.value.encode()
    values = [value for key, value in head.headers if key == name]
    if len(values) != 1:
        return None
    return _READERS[header](values[0].decode("latin-1"))


def _from_byte_sequence(value: str) -> bytes | None:
    match = _BYTE_SEQUENCE.fullmatch(value)
    return None if match is None else _from_base64(match[1].encode())


def _from_escaped_pem(value: str) -> bytes | None:
    match = _PEM.fullmatch(unquote_to_bytes(value))
    return None if match is None else _from_base64(b"".join(match[1].split()))


def _from_envoy(value: str) -> bytes | None:
    """Read what the nearest proxy wrote: the last element, and the only ``Cert`` in it."""
    element = value[_start_of_last(value) :].strip()
    pairs = _PAIR.findall(element)
    if sum(len(f"{key}={text}{end}") for key, text, end in pairs) != len(element):
        return None
    found = [text for key, text, _ in pairs if key.lower() == "cert"]
    return _from_escaped_pem(found[0].strip('"')) if len(found) == 1 else None


def _start_of_last(value: str) -> int:
    """Return where the last element of a list begins; commas in quotes separate nothing.

    Read from the end: a quote that a caller opens must not swallow what a proxy appended.
    """
    is_quoted = False
    for position in range(len(value) - 1, -1, -1):
        if value[position] == "," and not is_quoted:
            return position + 1
        if value[position] == '"' and not _is_escaped(value, position):
            is_quoted = not is_quoted
    return 0


def _is_escaped(value: str, position: int) -> bool:
    start = position
    while start and value[start - 1] == "\\":
        start -= 1
    return (position - start) % 2 == 1


def _from_base64(text: bytes) -> bytes | None:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None


_READERS: Final[Mapping[CertificateHeader, Callable[[str], bytes | None]]] = {
    CertificateHeader.CLIENT_CERT: _from_byte_sequence,
    CertificateHeader.SSL_CLIENT_CERT: _from_escaped_pem,
    CertificateHeader.X_SSL_CLIENT_CERT: _from_escaped_pem,
    CertificateHeader.X_FORWARDED_CLIENT_CERT: _from_envoy,
}
