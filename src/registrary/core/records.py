"""The smaller records of an issuer: tokens that open doors, tokens that ended, spent nonces."""

from datetime import datetime
from typing import ClassVar

import msgspec


class InitialAccessToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A token that lets its bearer register clients (RFC 7591 §3, §1.2).

    *uses* is how many registrations it allows, None for any number; how many were made is the
    counter named by `counter`. *header_only* refuses the token in the path. *policies* bind
    every client made with it.
    """

    kind: ClassVar[str] = "initial_access_token"

    issuer: str
    id: str
    revision: int = 1
    pepper_id: str
    mac: bytes
    uses: int | None = None
    expires_at: datetime | None = None
    policies: tuple[str, ...] = ()
    organization: str | None = None
    header_only: bool = False
    note: str | None = None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id

    @property
    def counter(self) -> str:
        """Return the name of the counter of registrations made with this token."""
        return f"initial_access_token:{self.id}"


class AdminToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bearer token for the admin API, limited to *permissions* such as ``clients:read``."""

    kind: ClassVar[str] = "admin_token"

    issuer: str
    id: str
    revision: int = 1
    pepper_id: str
    mac: bytes
    name: str
    permissions: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id

    def is_usable(self, now: datetime) -> bool:
        """Tell whether the token is neither revoked nor expired at *now*."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class RevokedToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A ``jti`` whose JWT access token is no longer active, kept until that token expires."""

    kind: ClassVar[str] = "revoked_token"

    issuer: str
    jti: str
    revision: int = 1
    client_id: str
    revoked_at: datetime
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.jti


class SpentAssertion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A client assertion that was used (RFC 7523 §3 item 7), kept until it expires.

    *digest* stands for client and ``jti``, so that no client can spend another's.
    """

    kind: ClassVar[str] = "spent_assertion"

    issuer: str
    digest: str
    revision: int = 1
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.digest
