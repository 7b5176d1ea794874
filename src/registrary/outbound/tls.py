"""Whom we trust when we connect."""

import ssl
from pathlib import Path
from typing import Final

# Where systems keep their store when OpenSSL was built for another place, as in most wheels.
_SYSTEM_STORES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def client_context(extra_store: Path | None = None) -> ssl.SSLContext:
    """Return a context that trusts the system's store and the certificates in *extra_store*.

    *extra_store* is the PEM file ``SSL_CERT_FILE`` names. OpenSSL by itself would take it
    *instead* of the system's store. A certificate in it is trusted as it is, also a server's own.
    Raises ValueError for a file that cannot be read or holds no certificate.
    """
    # Not create_default_context: its flags differ between Python releases, and it would write
    # session keys where SSLKEYLOGFILE says.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_default_certs()
    if extra_store is not None or not context.cert_store_stats()["x509"]:
        _load_system_store(context)
    if extra_store is not None:
        _load_extra_store(context, extra_store)
    return context


def _load_system_store(context: ssl.SSLContext) -> None:
    built_in = ssl.get_default_verify_paths().openssl_cafile
    for store in (built_in, *_SYSTEM_STORES):
        if Path(store).is_file():
            context.load_verify_locations(cafile=store)
            return


def _load_extra_store(context: ssl.SSLContext, store: Path) -> None:
    try:
        context.load_verify_locations(cafile=store)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"SSL_CERT_FILE: no certificates can be read from {store}") from error
