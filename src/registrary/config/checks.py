"""Combinations of settings that are refused at start, each with the way out."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from registrary.config.loading import SettingsError
from registrary.config.settings import HttpSettings, Settings
from registrary.config.store_url import (
    direct_url,
    is_postgres,
    store_url,
)
from registrary.core.addresses import Networks
from registrary.core.errors import FieldError
from registrary.core.issuer_address import check_spelling

ADMIN_TOKEN_MINIMUM: Final = 16  # characters
HIGHEST_PORT: Final = 65535
CERTIFICATE_HEADERS: Final = (
    "client-cert",
    "ssl-client-cert",
    "x-ssl-client-cert",
    "x-forwarded-client-cert",
)
LOOPBACK_NAMES: Final = frozenset({"localhost"})


def listen_address(settings: Settings) -> tuple[str, int]:
    """Return host and port of ``listen``; raises `SettingsError` when it is malformed."""
    return split_address(settings.listen, "listen")


def admin_address(settings: Settings) -> tuple[str, int] | None:
    """Return host and port of ``http.admin_listen``, None when there is no such listener."""
    text = settings.http.admin_listen
    return None if text is None else split_address(text, "http.admin_listen")


def listen_hosts(settings: Settings) -> dict[str, str]:
    """Return the host of every listener by the name of its setting."""
    hosts = {"listen": listen_address(settings)[0]}
    apart = admin_address(settings)
    return hosts if apart is None else hosts | {"http.admin_listen": apart[0]}


def split_address(text: str, name: str) -> tuple[str, int]:
    """Split ``HOST:PORT`` (an IPv6 host in brackets)."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > HIGHEST_PORT:
        raise SettingsError(f"{name} must be HOST:PORT, such as 127.0.0.1:8400")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


def is_loopback_host(host: str) -> bool:
    """Tell whether *host* is a loopback address or name."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listen_is_an_address(settings: Settings) -> None:
    """Demand a host and a port to listen on; listeners are told apart by their ports."""
    _, port = listen_address(settings)
    apart = admin_address(settings)
    if apart is not None and apart[1] == port != 0:
        raise SettingsError("http.admin_listen must have another port than listen")


def dev_only_on_loopback(settings: Settings) -> None:
    """Keep what ``dev`` and ``no_rate_limits`` relax out of reach from elsewhere."""
    for name, is_set in (("dev", settings.dev), ("no_rate_limits", settings.no_rate_limits)):
        if is_set and not all(map(is_loopback_host, listen_hosts(settings).values())):
            raise SettingsError(f"{name} is only allowed while listening on loopback")


def issuer_is_an_issuer(settings: Settings) -> None:
    """Demand an https URL without query or fragment (RFC 8414 §2); http in dev."""
    if settings.issuer is None:
        if not settings.dev:
            raise SettingsError("issuer is required without --dev, such as https://id.example.com")
        return
    parts = urlsplit(settings.issuer)
    if not parts.hostname or "?" in settings.issuer or "#" in settings.issuer:
        raise SettingsError("issuer must be a URL with a host, without query or fragment")
    if "@" in parts.netloc or not settings.issuer.isascii() or settings.issuer.endswith("/"):
        raise SettingsError("issuer must be ASCII, without user name and final slash")
    http_allowed = settings.dev and is_loopback_host(parts.hostname)
    if parts.scheme != "https" and not (parts.scheme == "http" and http_allowed):
        raise SettingsError("issuer must be an https URL (http only with --dev on loopback)")
    try:
        # A second spelling, at a later start, would be a second issuer at the same address.
        check_spelling(settings.issuer)
    except FieldError as error:
        raise SettingsError(f"issuer {error.rule}") from error


def plain_http_stays_on_loopback(settings: Settings) -> None:
    """Demand TLS (RFC 7591 §3): ours, or that of a proxy in front of loopback."""
    has_tls = settings.http.tls_certificate is not None
    if has_tls != (settings.http.tls_private_key is not None):
        raise SettingsError("http.tls_certificate and http.tls_private_key come together")
    for name, host in listen_hosts(settings).items():
        if not has_tls and not is_loopback_host(host):
            raise SettingsError(
                f"{name}: plain HTTP is only spoken on loopback; set http.tls_certificate and "
                "http.tls_private_key, or listen on 127.0.0.1 behind a TLS proxy"
            )


def certificates_can_be_seen(settings: Settings) -> None:
    """Refuse settings about client certificates that could never have an effect."""
    http = settings.http
    if http.tls_client_certificates == "optional" and http.tls_certificate is None:
        raise SettingsError("http.tls_client_certificates needs http.tls_certificate")
    if http.client_certificate_header is not None and not http.trusted_proxies:
        raise SettingsError("http.client_certificate_header needs http.trusted_proxies")
    if sees_certificates(http):
        return
    for name in ("tls_client_authorities", "mtls_host"):
        if getattr(http, name) is not None:
            raise SettingsError(
                f"http.{name} needs http.tls_client_certificates or http.client_certificate_header"
            )


def sees_certificates(http: HttpSettings) -> bool:
    """Tell whether certificates of clients reach this server at all."""
    return http.tls_client_certificates == "optional" or http.client_certificate_header is not None


def mtls_host_is_a_host(settings: Settings) -> None:
    """Demand a host that an https URL can have."""
    host = settings.http.mtls_host
    if host is None:
        return
    try:
        check_spelling(f"https://{host}")
    except FieldError as error:
        raise SettingsError(f"http.mtls_host must be HOST or HOST:PORT: {error.rule}") from error
    if "/" in host:
        raise SettingsError("http.mtls_host must be HOST or HOST:PORT, without a path")


def store_is_known(settings: Settings) -> None:
    """Demand a store of a kind this version has, and what belongs to it."""
    if not is_postgres(store_url(settings)):
        return
    if settings.keys.file is not None:
        raise SettingsError(
            "keys.file is for SQLite; on PostgreSQL keys lie in the store, sealed under "
            "keys.encryption_key"
        )
    direct_url(settings)


def admin_token_is_long(settings: Settings) -> None:
    """Refuse a short admin token: it could be guessed."""
    token = settings.admin_token
    if token is not None and (len(token) < ADMIN_TOKEN_MINIMUM or not token.isascii()):
        raise SettingsError(
            f"admin_token must have at least {ADMIN_TOKEN_MINIMUM} ASCII characters"
        )


def words_are_known(settings: Settings) -> None:
    """Demand one of a few words where there are only a few."""
    words = (
        ("registration.mode", settings.registration.mode, ("open", "protected", "closed")),
        ("registration.rule_set", settings.registration.rule_set, ("rfc9700", "oidf-dynamic")),
        (
            "http.tls_client_certificates",
            settings.http.tls_client_certificates,
            ("off", "optional"),
        ),
        (
            "http.client_certificate_header",
            settings.http.client_certificate_header,
            CERTIFICATE_HEADERS,
        ),
        ("log.level", settings.log.level, ("debug", "info", "warning", "error")),
        ("log.format", settings.log.format, ("json", "text")),
    )
    for name, value, known in words:
        if value is not None and value not in known:
            raise SettingsError(f"{name} must be one of {', '.join(known)}")


def networks_are_networks(settings: Settings) -> None:
    """Demand address ranges: nobody could be compared with anything else."""
    networks = (
        ("http.trusted_proxies", settings.http.trusted_proxies),
        ("registration.networks", settings.registration.networks),
    )
    for name, texts in networks:
        try:
            Networks.parse(texts)
        except FieldError as error:
            raise SettingsError(f"{name}: each {error.rule}, such as 192.0.2.0/24") from error


def ports_are_ports(settings: Settings) -> None:
    """Demand ports that something can listen on."""
    if not all(1 <= port <= HIGHEST_PORT for port in settings.outbound.ports):
        raise SettingsError(f"outbound.ports: each must be a port, 1 to {HIGHEST_PORT}")


CHECKS: Final[tuple[Callable[[Settings], None], ...]] = (
    listen_is_an_address,
    words_are_known,
    dev_only_on_loopback,
    issuer_is_an_issuer,
    plain_http_stays_on_loopback,
    certificates_can_be_seen,
    mtls_host_is_a_host,
    store_is_known,
    admin_token_is_long,
    networks_are_networks,
    ports_are_ports,
)


def check_for_serving(settings: Settings) -> None:
    """Refuse combinations a server cannot start with; raises `SettingsError` naming the first."""
    for check in CHECKS:
        check(settings)
