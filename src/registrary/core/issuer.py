"""An issuer: its address, what it offers and how it treats those who come."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

import msgspec

from registrary.core.scope import ScopeDefinition


class RegistrationMode(StrEnum):
    """Who may register: anyone, bearers of a token, nobody."""

    OPEN = "open"
    PROTECTED = "protected"
    CLOSED = "closed"


class RuleSet(StrEnum):
    """Which security profile decides what is offered."""

    RFC9700 = "rfc9700"
    OIDF_DYNAMIC = "oidf-dynamic"


class TokenFormat(StrEnum):
    """What an access token is to who receives it."""

    JWT = "jwt"
    OPAQUE = "opaque"


class RegistrationPolicy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A named ceiling over the resulting client; None leaves that side open.

    *redirect_hosts* lists the hosts that https redirect URIs may have, compared whole.
    *networks* lists CIDR blocks from which a registration may come.
    """

    name: str
    scopes: tuple[str, ...] | None = None
    grant_types: tuple[str, ...] | None = None
    token_endpoint_auth_methods: tuple[str, ...] | None = None
    redirect_hosts: tuple[str, ...] | None = None
    networks: tuple[str, ...] | None = None
    client_secret_lifetime: timedelta | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How much of the issuer one principal may use.

    Rates are registrations a minute, of one client updates and the like; quotas count clients
    that are not revoked, None for any number. *networks* are the CIDR blocks that may register
    at all (empty: any).
    """

    registrations_per_minute: int = 300
    anonymous_registrations_per_minute: int = 60
    updates_per_minute: int = 300
    client_quota: int | None = None
    organization_quota: int | None = None
    networks: tuple[str, ...] = ()


class Lifetimes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How long what the issuer hands out is good for.

    A *refresh_token* ends when it is not used for so long, *grant* is the longest that any can
    be renewed; a session ends when it is not used for *session_idle*, at last after *session*.
    """

    access_token: timedelta = timedelta(minutes=10)
    authorization_code: timedelta = timedelta(seconds=60)
    id_token: timedelta = timedelta(minutes=10)
    pushed_request: timedelta = timedelta(seconds=90)
    device_code: timedelta = timedelta(minutes=10)
    refresh_token: timedelta = timedelta(days=30)
    refresh_token_retry: timedelta = timedelta(seconds=60)
    grant: timedelta = timedelta(days=365)
    session_idle: timedelta = timedelta(hours=8)
    session: timedelta = timedelta(days=7)
    client_secret: timedelta | None = None
    client_secret_overlap: timedelta = timedelta(days=7)
    registration_access_token_overlap: timedelta = timedelta(hours=24)
    revoked_client: timedelta = timedelta(days=30)
    signing_key: timedelta = timedelta(days=90)


class Resource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An API that tokens of this issuer are meant for (RFC 8707).

    *aliases* are other spellings that mean the same; tokens name *uri*. *introspecting_clients*
    are the client ids that may introspect tokens meant for it. With *is_default* tokens are meant
    for it when none was asked for. *scopes* are those it knows, None for any. With
    *verifies_offline* each grant has its own bit in a status list.
    """

    uri: str
    name: str = ""
    aliases: tuple[str, ...] = ()
    introspecting_clients: tuple[str, ...] = ()
    token_format: TokenFormat = TokenFormat.JWT
    scopes: tuple[str, ...] | None = None
    access_token_lifetime: timedelta | None = None
    is_default: bool = False
    verifies_offline: bool = False


class Issuer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One issuer. Everything else in the store belongs to one.

    *url* is the issuer identifier, kept as text and never normalised (RFC 8414 §2). *dev*
    relaxes what only a developer on loopback may relax. *strict_authentication_method* takes
    exactly the registered one of ``client_secret_basic`` and ``client_secret_post``.
    *clients_may_register* and *people_may_register* take access tokens with the scope ``dcr``,
    got by a client in its own name or by a person's login, as initial access tokens. *log_url*
    is the address at which the audit log began, where that was another (development moves).
    """

    kind: ClassVar[str] = "issuer"

    id: str
    url: str
    revision: int = 1
    dev: bool = False
    rule_set: RuleSet = RuleSet.RFC9700
    mode: RegistrationMode = RegistrationMode.PROTECTED
    access_token_signing_alg: str = "ES256"
    scopes: tuple[ScopeDefinition, ...]
    resources: tuple[Resource, ...] = ()
    policies: tuple[RegistrationPolicy, ...] = ()
    default_policies: tuple[str, ...] = ()
    limits: Limits = Limits()
    lifetimes: Lifetimes = Lifetimes()
    strict_authentication_method: bool = False
    authorization_details_types: tuple[str, ...] = ()
    clients_may_register: bool = False
    people_may_register: bool = False
    log_url: str | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def issuer(self) -> str:
        """Return the issuer this record belongs to: itself."""
        return self.id

    @property
    def key(self) -> str:
        """Return what names this record."""
        return self.id

    @property
    def log_address(self) -> str:
        """Return the address that the audit log is named after, for as long as it lasts."""
        return self.log_url or self.url

    def policy(self, name: str) -> RegistrationPolicy | None:
        """Return the policy called *name*, or None."""
        return next((policy for policy in self.policies if policy.name == name), None)
