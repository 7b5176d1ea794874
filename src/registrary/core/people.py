"""The people who sign in: who they are, how they prove it, and their sessions."""

from datetime import datetime
from typing import Any, ClassVar

import msgspec


class Passkey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A WebAuthn credential of a person; *id* and *public_key* as the browser gave them."""

    id: bytes
    public_key: bytes
    sign_count: int = 0
    name: str = ""
    created_at: datetime
    used_at: datetime | None = None


class OneTimeCodes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Codes by the clock (RFC 6238). *last_step* was used last; none is good twice."""

    sealed_secret: bytes
    confirmed_at: datetime | None = None
    last_step: int = 0


class UpstreamIdentity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who a person is at an identity provider: its id here, and its ``sub`` there."""

    provider: str
    subject: str
    linked_at: datetime


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who can sign in at one issuer.

    *claims* are OpenID Connect's standard claims, by name (Core §5.1). *password* is an encoded
    argon2id hash. *subject_key* makes the pairwise subjects. Raising *generation* ends every
    session and grant of the person at once.
    """

    kind: ClassVar[str] = "person"

    issuer: str
    id: str
    revision: int = 1
    username: str | None = None
    claims: dict[str, Any] = {}  # Any: claims are JSON values of every kind
    subject_key: bytes
    password: str | None = None
    one_time_codes: OneTimeCodes | None = None
    passkeys: tuple[Passkey, ...] = ()
    identities: tuple[UpstreamIdentity, ...] = ()
    generation: int = 0
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None = None

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id


class SignInName(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Leads from what somebody signs in with to the person.

    *name* is ``local:`` and the folded username, ``passkey:`` and the credential's id, or
    ``upstream:``, the provider's id, ``:`` and the ``sub``.
    """

    kind: ClassVar[str] = "sign_in_name"

    issuer: str
    name: str
    person: str
    revision: int = 1

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.name


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person signed in with one browser, which holds the token that *mac* is the digest of.

    *session_id* is the ``sid`` clients are told. *expires_at* is the earlier of the idle and the
    absolute end. *clients* got tokens in it and want to be told when it ends.
    """

    kind: ClassVar[str] = "session"

    issuer: str
    id: str
    revision: int = 1
    pepper_id: str
    mac: bytes
    person: str
    person_generation: int = 0
    session_id: str
    auth_time: datetime
    acr: str | None = None
    amr: tuple[str, ...] = ()
    provider: str | None = None
    clients: tuple[str, ...] = ()
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id


class SessionOfPerson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Leads from a person to a session."""

    kind: ClassVar[str] = "session_of_person"

    issuer: str
    person: str
    session: str
    revision: int = 1
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return f"{self.person}:{self.session}"


class SignInAttempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody who was sent to an identity provider and has not come back.

    *state* is the digest of the parameter; *sealed* holds nonce and PKCE verifier; *browser* is
    the digest of the cookie that must come back; *return_to* is the path and query to go on at.
    """

    kind: ClassVar[str] = "sign_in_attempt"

    issuer: str
    state: str
    revision: int = 1
    provider: str
    browser: str
    sealed: bytes
    return_to: str
    started_at: datetime
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.state


class IdentityProvider(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An OpenID provider that signs people in for an issuer.

    *url* is its issuer identifier. *sealed_secret* is our client secret there, encrypted; without
    one we are a public client. *domains* are e-mail domains whose people are sent there.
    *claims* maps our claim names to theirs where they differ. With *creates_people* somebody who
    comes for the first time becomes a person here. With *own_redirect_uri* people come back from it
    to an address that no other provider sends anybody to.
    """

    kind: ClassVar[str] = "identity_provider"

    issuer: str
    id: str
    revision: int = 1
    name: str
    url: str
    client_id: str
    sealed_secret: bytes | None = None
    scope: str = "openid profile email"
    domains: tuple[str, ...] = ()
    claims: dict[str, str] = {}
    creates_people: bool = True
    own_redirect_uri: bool = False
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None = None

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id
