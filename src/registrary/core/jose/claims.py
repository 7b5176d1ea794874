"""What a JWT says, and the rules it must keep (RFC 7519 §4.1)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from registrary.core.jose.errors import JoseError

# Past it, datetime overflows; nobody means such a moment.
_END_OF_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


def numeric_date(moment: datetime) -> int:
    """Return *moment* as JWTs spell it: whole seconds since 1970 (RFC 7519 §2)."""
    return math.floor(moment.timestamp())


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a token that kept its rules.

    *members* holds them all as JSON has them; the others are read out of it, None when absent.
    """

    members: Mapping[str, Any]  # Any: claims are JSON values of every kind
    expires_at: datetime
    issued_at: datetime | None
    jti: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRules:
    """What a token must say to be taken for one purpose.

    None leaves a claim unjudged: *issuer* and *subject* are compared whole, *audiences* are the
    names this server answers to there. *types* are values of the header's ``typ``, lower-cased
    and without ``application/``; None among them allows it to be missing. ``exp`` is always
    needed, and not further away than *max_lifetime*. *leeway* forgives a clock that runs ahead
    (``nbf``, ``iat``); whoever runs behind chose ``exp`` too short, and gets no more.
    """

    types: frozenset[str | None] | None = None
    issuer: str | None = None
    subject: str | None = None
    audiences: frozenset[str] | None = None
    max_lifetime: timedelta | None = None
    leeway: timedelta = timedelta(seconds=60)
    requires_jti: bool = False

    def check(self, members: Mapping[str, Any], *, typ: str | None, now: datetime) -> Claims:
        """Return *members* as claims that kept the rules at *now*; raises `JoseError`."""
        if self.types is not None and typ not in self.types:
            raise JoseError("typ is not that of such a token")
        if self.issuer is not None and members.get("iss") != self.issuer:
            raise JoseError("iss is not who may issue such a token")
        if self.subject is not None and members.get("sub") != self.subject:
            raise JoseError("sub is not whom such a token is about")
        if self.audiences is not None and _sole_audience(members) not in self.audiences:
            raise JoseError("aud is not this server")
        issued_at, expires_at = check_period(members, now=now, leeway=self.leeway)
        if expires_at is None:
            raise JoseError("exp is missing")
        if self.max_lifetime is not None and expires_at - now > self.max_lifetime:
            raise JoseError("exp is too far away")
        return Claims(
            members=members,
            expires_at=expires_at,
            issued_at=issued_at,
            jti=self._check_jti(members),
        )

    def _check_jti(self, members: Mapping[str, Any]) -> str | None:
        jti = members.get("jti")
        if jti is None and not self.requires_jti:
            return None
        if not isinstance(jti, str) or not jti:
            raise JoseError("jti is missing or no string")
        return jti


def check_period(
    members: Mapping[str, Any], *, now: datetime, leeway: timedelta
) -> tuple[datetime | None, datetime | None]:
    """Return ``iat`` and ``exp``, None when absent; raises `JoseError` unless good at *now*.

    *leeway* forgives a clock that runs ahead, as `ClaimRules` says.
    """
    not_before = moment(members, "nbf")
    issued_at = moment(members, "iat")
    expires_at = moment(members, "exp")
    if not_before is not None and not_before > now + leeway:
        raise JoseError("nbf is not reached")
    if issued_at is not None and issued_at > now + leeway:
        raise JoseError("iat is not reached")
    if expires_at is not None and expires_at <= now:
        raise JoseError("exp has passed")
    return issued_at, expires_at


def audiences_of(members: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what ``aud`` names, nothing when absent (RFC 7519 §4.1.3); raises `JoseError`."""
    audience = members.get("aud", [])
    named = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(name, str) for name in named):
        raise JoseError("aud is neither a string nor an array of strings")
    return tuple(named)


def _sole_audience(members: Mapping[str, Any]) -> str | None:
    # A second audience could replay the token here as its own (RFC 7523 §3, and the audience
    # injection of 2025), so an array has one member.
    audience = members.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    return audience if isinstance(audience, str) else None


def moment(members: Mapping[str, Any], name: str) -> datetime | None:
    """Return the moment that *name* says, None when absent; raises `JoseError` if it is none."""
    value = members.get(name)
    if value is None:
        return None
    # bool is an int to Python; RFC 7519 §2 allows fractions.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise JoseError(f"{name} is no number")
    if not 0 <= value <= _END_OF_TIME:
        raise JoseError(f"{name} is no moment")
    return datetime.fromtimestamp(value, UTC)
