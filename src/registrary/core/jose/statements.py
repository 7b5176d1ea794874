"""What the server states in signed tokens besides access and ID tokens: their types and claims.

Each kind has a type of its own in its header, so that none is taken for another (RFC 8725
§3.11). Signing is the caller's, with `Signer.sign_jwt`; a datetime becomes whole seconds there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from registrary.core.status_list import encode_status_list

INTROSPECTION_TYPE: Final = "token-introspection+jwt"  # RFC 9701 §5
LOGOUT_TYPE: Final = "logout+jwt"  # OpenID Connect Back-Channel Logout §2.4
SECURITY_EVENT_TYPE: Final = "secevent+jwt"  # RFC 8417 §2.3
STATUS_LIST_TYPE: Final = "statuslist+jwt"  # Token Status List §5.1
PLAIN_TYPE: Final = "JWT"  # signed UserInfo and authorization responses have no type of their own

LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_LIFETIME: Final = timedelta(minutes=2)  # §4: short, since it is delivered at once
RESPONSE_LIFETIME: Final = timedelta(minutes=10)  # JARM §2.1: ten minutes at most

StatedClaims = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Who states something to whom, and when. *jti* is needed where a kind has one."""

    issuer: str
    audience: str
    issued_at: datetime
    jti: str = ""

    def claims(self) -> StatedClaims:
        """Return ``iss``, ``aud`` and ``iat``."""
        return {"iss": self.issuer, "aud": self.audience, "iat": self.issued_at}


# Any in these signatures: members are JSON values of every kind


def introspection_claims(statement: Statement, answer: Mapping[str, Any]) -> StatedClaims:
    """Return the claims of a signed introspection *answer* (RFC 9701 §5).

    The audience is the resource server. There is no ``sub`` or ``exp`` beside the answer, so
    that it cannot pass for an access token (§8.1).
    """
    return {**statement.claims(), "token_introspection": dict(answer)}


def userinfo_claims(statement: Statement, answer: Mapping[str, Any]) -> StatedClaims:
    """Return the claims of a signed UserInfo *answer* (OpenID Connect Core §5.3.2).

    The audience is the client.
    """
    return {**answer, "iss": statement.issuer, "aud": statement.audience}


def response_claims(statement: Statement, parameters: Mapping[str, str]) -> StatedClaims:
    """Return the claims of a signed authorization response with *parameters* (JARM §2.1)."""
    return {
        **parameters,
        "iss": statement.issuer,
        "aud": statement.audience,
        "exp": statement.issued_at + RESPONSE_LIFETIME,
    }


def logout_claims(statement: Statement, *, sub: str | None, sid: str | None) -> StatedClaims:
    """Return the claims of a logout token (OpenID Connect Back-Channel Logout §2.4).

    Raises ValueError without *sub* and *sid*: it would end nobody's session. Never a nonce,
    which would make it look like an ID token.
    """
    if sub is None and sid is None:
        raise ValueError("a logout token names a subject or a session")
    about = {"sub": sub, "sid": sid}
    return {
        **statement.claims(),
        **{name: value for name, value in about.items() if value is not None},
        "exp": statement.issued_at + LOGOUT_LIFETIME,
        "jti": statement.jti,
        "events": {LOGOUT_EVENT: {}},
    }


def security_event_claims(
    statement: Statement,
    *,
    event: str,
    subject: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> StatedClaims:
    """Return the claims of a security event token (RFC 8417 §2.2).

    *event* is the URI of its type, *details* are its members, *subject* is ``sub_id``
    (RFC 9493). No ``exp``: what happened stays true (§2.2).
    """
    claims = {**statement.claims(), "jti": statement.jti, "events": {event: dict(details or {})}}
    if subject is not None:
        claims["sub_id"] = dict(subject)
    return claims


def status_list_claims(
    *,
    issuer: str,
    uri: str,
    packed: bytes,
    bits: int,
    issued_at: datetime,
    lifetime: timedelta,
    ttl: timedelta,
) -> StatedClaims:
    """Return the claims of a status list token (Token Status List §5.1).

    *uri* is where it is fetched, and what tokens in the list name. *ttl* is how long it may be
    kept before it is asked for again, *lifetime* how long it is good at all.
    """
    return {
        "iss": issuer,
        "sub": uri,
        "iat": issued_at,
        "exp": issued_at + lifetime,
        "ttl": int(ttl.total_seconds()),
        "status_list": {"bits": bits, "lst": encode_status_list(packed)},
    }


def status_claim(*, uri: str, index: int) -> StatedClaims:
    """Return the ``status`` claim of a token that has a place in a list (§6.1)."""
    return {"status_list": {"idx": index, "uri": uri}}
