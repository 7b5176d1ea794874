"""What people allow clients, and the records that carry it from the question to the tokens."""

from datetime import datetime
from typing import Any, ClassVar

import msgspec


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The key that who presents a token must prove (RFC 7800), by its thumbprint.

    *jkt* is that of a DPoP key (RFC 9449 §6.1), *x5t_s256* that of a certificate (RFC 8705 §3.1).
    """

    jkt: str | None = None
    x5t_s256: str | None = None

    def claim(self) -> dict[str, str]:
        """Return the members of the ``cnf`` claim."""
        members = {"jkt": self.jkt, "x5t#S256": self.x5t_s256}
        return {name: value for name, value in members.items() if value is not None}


class Authorization(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one person allowed one client, once: the content of a code and of its grant.

    *person* is the id of the `Person`, None where a client acts in its own name; *subject* is
    the ``sub`` by which this client knows them. *scope* and *resources* are ceilings for every
    token that follows. *claims* is the ``claims`` parameter as far as it was granted.
    *client_generation* and *person_generation* are those of the moment: a higher one ends it.
    *session_id* is the ``sid`` that clients are told.
    """

    client_id: str
    person: str | None = None
    subject: str
    scope: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    authorization_details: tuple[dict[str, Any], ...] = ()  # Any: JSON, whose type the `type` says
    claims: dict[str, Any] = {}  # Any: JSON (OpenID Connect Core §5.5)
    nonce: str | None = None
    auth_time: datetime | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
    session_id: str | None = None
    client_generation: int = 0
    person_generation: int = 0


class AuthorizationCode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An authorization code (RFC 6749 §4.1.2), good once.

    *redirect_uri* is the one it was sent to, None when the request left it out.
    A redeemed one is kept for a while, so that a second use ends the *grant* of the first.
    """

    kind: ClassVar[str] = "authorization_code"

    issuer: str
    id: str
    revision: int = 1
    pepper_id: str
    mac: bytes
    authorization: Authorization
    redirect_uri: str | None = None
    code_challenge: str | None = None
    dpop_jkt: str | None = None
    created_at: datetime
    expires_at: datetime
    redeemed_at: datetime | None = None
    grant: str | None = None

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The refresh token of a grant as the store knows it.

    *previous_mac* is the digest of the one it replaced at *rotated_at*: until this one is first
    used (and so replaced), and for a short while, the old one gets the same answer again, which
    is kept as *sealed_answer*. Any other use of an old one ends the grant (RFC 9700 §4.14.2); by
    *family_key* it is told from one that was made up.
    """

    pepper_id: str
    mac: bytes
    family_key: bytes
    issued_at: datetime
    previous_mac: bytes | None = None
    rotated_at: datetime | None = None
    sealed_answer: bytes | None = None


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What tokens are issued from after a code, a device code or an exchange was redeemed.

    Access tokens name it by its *id*; a revoked one makes them all inactive. *expires_at* is
    when nothing issued from it can be good any more.
    """

    kind: ClassVar[str] = "authorization_grant"

    issuer: str
    id: str
    revision: int = 1
    grant_type: str
    authorization: Authorization
    refresh_token: RefreshToken | None = None
    confirmation: Confirmation = Confirmation()
    created_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_because: str | None = None
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id


class GrantOfPerson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Leads from a person to a grant; keys sort by person, then client.

    *grant* is its id, or that of a code or device which was allowed and may still become one.
    """

    kind: ClassVar[str] = "grant_of_person"

    issuer: str
    person: str
    client_id: str
    grant: str
    revision: int = 1
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return f"{self.person}:{self.client_id}:{self.grant}"


class Consent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person allowed a client at one redirect host, remembered for the next time.

    *declined* are scopes they left out, which are not asked for again unless the client wants
    that. *metadata_hash* is over what they were shown of the client; another one asks anew.
    """

    kind: ClassVar[str] = "consent"

    issuer: str
    person: str
    client_id: str
    redirect_host: str
    revision: int = 1
    scope: tuple[str, ...]
    declined: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    metadata_hash: str
    authorization_details_hash: str | None = None
    given_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return f"{self.person}:{self.client_id}:{self.redirect_host}"


class PushedRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An authorization request that its client pushed (RFC 9126), good for one answer.

    A person has to come with it before *good_until*; what they then do takes its time, so the
    record is kept until *expires_at*. *is_signed* tells whether it came as a signed object,
    *dpop_jkt* is the key proved at the pushing (RFC 9449 §10.1).
    """

    kind: ClassVar[str] = "pushed_request"

    issuer: str
    id: str
    revision: int = 1
    pepper_id: str
    mac: bytes
    client_id: str
    parameters: dict[str, tuple[str, ...]]
    is_signed: bool = False
    dpop_jkt: str | None = None
    created_at: datetime
    good_until: datetime
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id


class DeviceAuthorization(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device that waits for a person to allow it (RFC 8628).

    *authorization* is there once somebody did; *denied_at* once somebody did not. *interval* is
    how many seconds the device has to leave between two questions, *asked_at* when it last asked.
    """

    kind: ClassVar[str] = "device_authorization"

    issuer: str
    id: str
    revision: int = 1
    pepper_id: str
    mac: bytes
    user_code: str
    client_id: str
    scope: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    authorization_details: tuple[dict[str, Any], ...] = ()  # Any: JSON, whose type the `type` says
    interval: int = 5
    asked_at: datetime | None = None
    authorization: Authorization | None = None
    denied_at: datetime | None = None
    redeemed_at: datetime | None = None
    created_at: datetime
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id


class DeviceUserCode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Leads from what a person types to the device that shows it."""

    kind: ClassVar[str] = "device_user_code"

    issuer: str
    user_code: str
    device: str
    revision: int = 1
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.user_code


class OpaqueAccessToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An access token that says nothing by itself; *claims* are what a JWT would have said."""

    kind: ClassVar[str] = "access_token"

    issuer: str
    id: str
    revision: int = 1
    pepper_id: str
    mac: bytes
    claims: dict[str, Any]  # Any: claims are JSON values of every kind
    revoked_at: datetime | None = None
    expires_at: datetime

    @property
    def key(self) -> str:
        """Return what names this record within its issuer."""
        return self.id
