"""What administrators may be allowed, one word for each kind of thing and act."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from registrary.core.events import Actor

EVERYTHING: Final = "*"


class Permission(StrEnum):
    """The permissions, spelt ``subject:act``. Each has a sentence in `SENTENCES`."""

    CLIENTS_READ = "clients:read"
    CLIENTS_WRITE = "clients:write"
    CLIENTS_APPROVE = "clients:approve"
    INITIAL_ACCESS_TOKENS_READ = "initial_access_tokens:read"
    INITIAL_ACCESS_TOKENS_WRITE = "initial_access_tokens:write"
    ADMIN_TOKENS_READ = "admin_tokens:read"
    ADMIN_TOKENS_WRITE = "admin_tokens:write"
    ISSUERS_READ = "issuers:read"
    ISSUERS_WRITE = "issuers:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    PEOPLE_READ = "people:read"
    PEOPLE_WRITE = "people:write"
    IDENTITY_PROVIDERS_READ = "identity_providers:read"
    IDENTITY_PROVIDERS_WRITE = "identity_providers:write"
    EVENT_STREAMS_READ = "event_streams:read"
    EVENT_STREAMS_WRITE = "event_streams:write"
    AUDIT_READ = "audit:read"
    METRICS_READ = "metrics:read"


SENTENCES: Final[dict[Permission, str]] = {
    Permission.CLIENTS_READ: "See clients, never their credentials.",
    Permission.CLIENTS_WRITE: "Hold, resume and revoke clients, and give them new credentials.",
    Permission.CLIENTS_APPROVE: "Allow clients restricted scopes, and how long tokens last.",
    Permission.INITIAL_ACCESS_TOKENS_READ: "See initial access tokens, never their text.",
    Permission.INITIAL_ACCESS_TOKENS_WRITE: "Make and revoke initial access tokens.",
    Permission.ADMIN_TOKENS_READ: "See admin tokens, never their text.",
    Permission.ADMIN_TOKENS_WRITE: (
        "Make admin tokens that may at most what their maker may, and revoke any."
    ),
    Permission.ISSUERS_READ: "See how issuers are set up.",
    Permission.ISSUERS_WRITE: "Change how registration works; at the first issuer, add issuers.",
    Permission.KEYS_READ: "See which signing keys there are.",
    Permission.KEYS_WRITE: "Replace and withdraw signing keys.",
    Permission.PEOPLE_READ: "See people, never what they sign in with.",
    Permission.PEOPLE_WRITE: (
        "Make people known, change, disable and sign them out, and set their passwords."
    ),
    Permission.IDENTITY_PROVIDERS_READ: "See where people sign in, never our secrets there.",
    Permission.IDENTITY_PROVIDERS_WRITE: "Choose where people sign in.",
    Permission.EVENT_STREAMS_READ: "See who is told of security events, never our credentials.",
    Permission.EVENT_STREAMS_WRITE: "Choose who is told of security events.",
    Permission.AUDIT_READ: "Read the audit log and its proofs.",
    Permission.METRICS_READ: "Read `/metrics`.",
}

KNOWN: Final = frozenset({EVERYTHING, *Permission})


class Forbidden(Exception):
    """The caller lacks *permission*; nothing was done."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"this needs the permission {permission}")
        self.permission = permission


@dataclass(frozen=True, slots=True)
class Caller:
    """Who administers, what they may do (``*``: everything), and until when (None: for ever)."""

    actor: Actor
    permissions: frozenset[str]
    expires_at: datetime | None = None

    def may(self, permission: str) -> bool:
        """Tell whether the caller holds *permission*, such as ``clients:write``."""
        return EVERYTHING in self.permissions or permission in self.permissions

    def demand(self, permissions: Iterable[str]) -> None:
        """Raise `Forbidden` for the first of *permissions* that the caller lacks."""
        for permission in permissions:
            if not self.may(permission):
                raise Forbidden(permission)
