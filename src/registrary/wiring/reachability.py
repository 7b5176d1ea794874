"""Whether an issuer can be reached at its address, as clients reach it."""

import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ssl import SSLContext
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from registrary.config import SettingsError
from registrary.config.checks import is_loopback_host
from registrary.wiring.health import CLOCK_TOLERANCE, Finding

TIMEOUT_SECONDS: Final = 10
ANSWER_BYTES: Final = 256 * 1024  # of one answer that are read
CERTIFICATE_LEFT: Final = timedelta(days=14)
_OK: Final = 200
_WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"
_PROXY: Final = "Let the proxy pass this address on unchanged, path and host included."


class _Answer(NamedTuple):
    """What came back from an address."""

    status: int
    date: str | None
    body: bytes
    certificate_ends: datetime | None


def examine_address(url: str, *, trust: SSLContext) -> list[Finding]:
    """Return what clients meet who believe in the issuer *url*; raises `SettingsError`.

    Asked directly, without the proxies of the environment, and no redirect is followed: clients
    follow none for metadata either.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or url.endswith("/"):
        raise SettingsError("URL must be an issuer: https, a host, and no slash at the end")
    findings = [_scheme(parts)]
    try:
        # RFC 8414 §3.1: the well-known part stands between host and path.
        metadata = _ask(parts, _WELL_KNOWN + parts.path, trust=trust)
        ready = _ask(parts, f"{parts.path}/readyz", trust=trust)
    except (OSError, HTTPException) as error:
        advice = (
            "Look at the name in DNS, the proxy, its certificate, and whether anything listens."
        )
        seen = _reason(error)
        return [*findings, Finding("connection", good=False, seen=seen, advice=advice)]
    return [*findings, *_judged(url, metadata, ready)]


def _judged(url: str, metadata: _Answer, ready: _Answer) -> Iterator[Finding]:
    if metadata.certificate_ends is not None:
        yield _certificate(metadata.certificate_ends)
    yield _metadata(url, metadata)
    yield Finding(
        "readiness",
        ready.status == _OK,
        f"{ready.status} at {url}/readyz",
        f"{_PROXY} Where it is 503, the server's log says which part fails.",
    )
    if metadata.date is not None:
        yield _clock(metadata.date)


def _scheme(parts: SplitResult) -> Finding:
    is_good = parts.scheme == "https" or is_loopback_host(parts.hostname or "")
    return Finding(
        "scheme", is_good, parts.scheme, "Clients refuse an issuer that is not https (RFC 8414 §2)."
    )


def _certificate(ends: datetime) -> Finding:
    left = ends - datetime.now(UTC)
    return Finding(
        "certificate",
        left > CERTIFICATE_LEFT,
        f"trusted, ends {ends:%Y-%m-%d}",
        "Renew it, and see to it that it renews itself.",
    )


def _metadata(url: str, answer: _Answer) -> Finding:
    name = "metadata"
    if answer.status != _OK:
        seen = f"{answer.status} at {_WELL_KNOWN}"
        return Finding(name, good=False, seen=seen, advice=_PROXY)
    try:
        document: Any = json.loads(answer.body)  # Any: JSON of whoever answers there
        issuer = document["issuer"]
    except (ValueError, TypeError, KeyError):
        seen = "the answer is not the metadata of an authorization server"
        return Finding(name, good=False, seen=seen, advice=_PROXY)
    if issuer != url:
        seen = "the issuer in it is another address"
        advice = f"Ask for exactly that address, or start the server with --issuer {url}."
        return Finding(name, good=False, seen=seen, advice=advice)
    strays = [
        key
        for key, value in document.items()
        if key.endswith(("_endpoint", "_uri")) and not str(value).startswith(url)
    ]
    seen = f"elsewhere: {', '.join(strays)}" if strays else f"that of {url}"
    return Finding(name, not strays, seen, "Every address in it must be below the issuer.")


def _clock(date: str) -> Finding:
    try:
        skew = datetime.now(UTC) - parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return Finding("clock there", good=False, seen="its Date cannot be read", advice=_PROXY)
    return Finding(
        "clock there",
        abs(skew) <= CLOCK_TOLERANCE,
        f"{abs(skew).total_seconds():.0f} seconds from here",
        "Set both clocks by NTP: assertions and tokens are refused when they differ.",
    )


def _ask(parts: SplitResult, path: str, *, trust: SSLContext) -> _Answer:
    host = parts.hostname or ""
    if parts.scheme == "https":
        connection: HTTPConnection = HTTPSConnection(
            host, parts.port, timeout=TIMEOUT_SECONDS, context=trust
        )
    else:
        connection = HTTPConnection(host, parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        ends = _end_of_certificate(connection)
        response = connection.getresponse()
        return _Answer(
            response.status, response.getheader("Date"), response.read(ANSWER_BYTES), ends
        )
    finally:
        connection.close()


def _end_of_certificate(connection: HTTPConnection) -> datetime | None:
    if not isinstance(connection.sock, ssl.SSLSocket):
        return None
    certificate: Any = connection.sock.getpeercert()  # Any: typed as having values of all kinds
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not good: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS} seconds"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
