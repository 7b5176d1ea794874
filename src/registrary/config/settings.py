"""Every setting, typed and documented; the reference manual is generated from this file.

A setting works when absent. Names of secrets name files too: ``ADMIN_TOKEN_FILE`` beside
``ADMIN_TOKEN``.
"""

from typing import Annotated

import msgspec
from msgspec import Meta


def documented(text: str) -> Meta:
    """Attach the sentence that the manual prints for a setting."""
    return Meta(description=text)


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the server speaks HTTP."""

    trusted_proxies: Annotated[
        tuple[str, ...],
        documented("CIDR blocks whose X-Forwarded-* and Forwarded headers are believed."),
    ] = ("127.0.0.0/8", "::1/128")
    tls_certificate: Annotated[
        str | None, documented("PEM file with the certificate chain, for TLS without a proxy.")
    ] = None
    tls_private_key: Annotated[
        str | None, documented("PEM file with the private key of the certificate.")
    ] = None
    tls_client_certificates: Annotated[
        str,
        documented(
            "off, or optional: ask every caller for a certificate in TLS; needs tls_certificate."
        ),
    ] = "off"
    tls_client_authorities: Annotated[
        str | None,
        documented(
            "PEM file of the authorities that issue certificates to clients; tls_client_auth is "
            "offered with it alone."
        ),
    ] = None
    client_certificate_header: Annotated[
        str | None,
        documented(
            "The header in which trusted_proxies pass on the client's certificate: client-cert "
            "(RFC 9440), ssl-client-cert or x-ssl-client-cert (nginx), x-forwarded-client-cert "
            "(Envoy)."
        ),
    ] = None
    mtls_host: Annotated[
        str | None,
        documented(
            "HOST or HOST:PORT where callers are asked for certificates, when that is another "
            "place than the issuer's; announced as mtls_endpoint_aliases."
        ),
    ] = None
    graceful_seconds: Annotated[
        int, documented("How long a stopping server waits for requests under way."), Meta(ge=0)
    ] = 20
    header_seconds: Annotated[
        int, documented("How long the headers of a request may take to arrive."), Meta(ge=1)
    ] = 10
    body_seconds: Annotated[
        int, documented("How long a request body may take to arrive."), Meta(ge=1)
    ] = 20
    idle_seconds: Annotated[
        int,
        documented("How long a connection may rest; more than the keep-alive of a proxy."),
        Meta(ge=1),
    ] = 75
    admin_listen: Annotated[
        str | None,
        documented(
            "A second HOST:PORT for the admin API and /metrics, which the first then does not "
            "serve; /metrics needs no token there."
        ),
    ] = None


class RegistrationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the first issuer starts out; afterwards the admin API changes it."""

    mode: Annotated[
        str | None,
        documented("open, protected or closed; open with --dev, protected without."),
    ] = None
    rule_set: Annotated[str, documented("rfc9700, or oidf-dynamic for OpenID certification.")] = (
        "rfc9700"
    )
    networks: Annotated[
        tuple[str, ...], documented("CIDR blocks that may register; empty means any.")
    ] = ()
    per_minute: Annotated[
        int, documented("Registrations a minute for one token or organisation."), Meta(ge=1)
    ] = 300
    anonymous_per_minute: Annotated[
        int, documented("Registrations a minute for one address without a token."), Meta(ge=1)
    ] = 60
    updates_per_minute: Annotated[
        int, documented("Updates, rotations and deletions a minute of one client."), Meta(ge=1)
    ] = 300
    client_secret_days: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        documented("Days until a client secret expires; never when absent."),
    ] = None


class OutboundSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the server may fetch from others."""

    ports: Annotated[
        tuple[int, ...], documented("TCP ports that documents may be fetched from.")
    ] = (443,)
    per_host_per_minute: Annotated[
        int,
        documented(
            "Fetches a minute from one host for one purpose; ten times as many messages may go "
            "to it. --dev lets 1000 pass."
        ),
        Meta(ge=1),
    ] = 60


class KeySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where key material lies: in a file beside SQLite, in PostgreSQL sealed under a key."""

    file: Annotated[
        str | None,
        documented("Key file of SQLite; beside the database with .keys appended when absent."),
    ] = None
    encryption_key: Annotated[
        str | None,
        documented(
            "What the keys in PostgreSQL are sealed under, as registrary keys new prints it, the "
            "same for every server on it. When absent, the first start makes one in "
            "~/.local/state/registrary/postgresql.key. Keep a copy apart from the database: "
            "without it no stored credential works."
        ),
    ] = None
    previous_encryption_key: Annotated[
        str | None,
        documented("The one before, until registrary keys reseal has run."),
    ] = None


class PostgresSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How each process uses PostgreSQL; of no concern to SQLite."""

    connections: Annotated[
        int, documented("Connections of one process at most."), Meta(ge=1, le=1000)
    ] = 8
    pooled: Annotated[
        bool,
        documented("The store's URL leads to a pooler in transaction mode, such as pgbouncer."),
    ] = False
    direct: Annotated[
        str | None,
        documented(
            "URL past the pooler, for the one connection on which a process hears of changes at "
            "once; without it a pooled process looks for them four times a second."
        ),
    ] = None
    connect_seconds: Annotated[
        int, documented("How long connecting may take."), Meta(ge=1, le=300)
    ] = 5
    read_seconds: Annotated[
        int, documented("How long a read may take before it is answered 503."), Meta(ge=1, le=300)
    ] = 5
    commit_seconds: Annotated[
        int, documented("How long a write may take before it is answered 503."), Meta(ge=1, le=300)
    ] = 5


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is told to operators while the server runs."""

    level: Annotated[str, documented("debug, info, warning or error.")] = "info"
    format: Annotated[str, documented("json for machines, text for people.")] = "json"
    access: Annotated[bool, documented("Write one line for each request.")] = True


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an operator may set.

    Precedence: command-line flag, environment variable, TOML file, default.
    """

    issuer: Annotated[
        str | None,
        documented("The issuer identifier: an https URL without query or fragment."),
    ] = None
    listen: Annotated[str, documented("HOST:PORT to listen on; port 0 picks a free one.")] = (
        "127.0.0.1:8400"
    )
    store: Annotated[
        str | None,
        documented(
            "sqlite:///relative.db, sqlite:////absolute.db or postgresql://USER@HOST/DATABASE. A "
            "URL with a password belongs in a file."
        ),
    ] = None
    migrate: Annotated[
        bool,
        documented(
            "Bring PostgreSQL to the form this version needs at start, as SQLite always is."
        ),
    ] = False
    workers: Annotated[int, documented("Server processes."), Meta(ge=1, le=64)] = 1
    dev: Annotated[
        bool,
        documented("Relax what only a developer on loopback may relax. Never for real data."),
    ] = False
    no_rate_limits: Annotated[
        bool, documented("Switch rate limits off; only while listening on loopback.")
    ] = False
    admin_token: Annotated[
        str | None,
        documented("A bearer token with every admin permission, at least 16 characters."),
    ] = None
    http: HttpSettings = HttpSettings()
    registration: RegistrationSettings = RegistrationSettings()
    outbound: OutboundSettings = OutboundSettings()
    keys: KeySettings = KeySettings()
    postgres: PostgresSettings = PostgresSettings()
    log: LogSettings = LogSettings()
