"""Scopes: what there is to ask for, and what of a request is granted."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from registrary.core.errors import FieldError

SCOPE_LIMIT: Final = 200  # tokens in one scope
_SCOPE: Final = re.compile(r"[\x20\x21\x23-\x5B\x5D-\x7E]*")  # RFC 6749 §3.3


class ScopeDefinition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One scope of an issuer.

    *default* puts it into the set granted to those who ask for none; *restricted* demands a
    person's approval and keeps it out of ``scopes_supported``. *openid* marks the scopes of
    OpenID Connect, which mean nothing to client credentials. *sensitivity* orders the consent
    page, from ``low`` to ``high``; *optional* lets a person untick it there. Access tokens with
    it last no longer than *access_token_lifetime*; None leaves it to the issuer.
    """

    name: str
    description: str
    default: bool = False
    restricted: bool = False
    openid: bool = False
    optional: bool = False
    sensitivity: str = "low"
    access_token_lifetime: timedelta | None = None


def _openid(name: str, description: str, *, optional: bool = True) -> ScopeDefinition:
    return ScopeDefinition(
        name=name, description=description, default=True, openid=True, optional=optional
    )


OPENID_SCOPES: Final = (
    _openid("openid", "Know who you are here", optional=False),
    _openid("profile", "See your name and profile"),
    _openid("email", "See your e-mail address"),
    _openid("address", "See your postal address"),
    _openid("phone", "See your telephone number"),
    _openid("offline_access", "Stay connected while you are away"),
)
REGISTRATION_SCOPE: Final = ScopeDefinition(
    name="dcr", description="Register applications", restricted=True, sensitivity="high"
)
NORMAL_SCOPES: Final = (*OPENID_SCOPES, REGISTRATION_SCOPE)
DEVELOPMENT_SCOPES: Final = (
    *OPENID_SCOPES,
    ScopeDefinition(name="read", description="Read your data", default=True),
    ScopeDefinition(
        name="write",
        description="Change your data",
        default=True,
        optional=True,
        sensitivity="medium",
    ),
    ScopeDefinition(
        name="admin", description="Administer everything", restricted=True, sensitivity="high"
    ),
    REGISTRATION_SCOPE,
)


def parse_scope(text: str) -> tuple[str, ...]:
    """Return the tokens of a scope, each once, in order (RFC 6749 §3.3).

    Raises `FieldError` for characters a token may not have and for too many tokens.
    """
    if _SCOPE.fullmatch(text) is None:
        raise FieldError("must be scopes of printable ASCII, separated by spaces")
    tokens = tuple(dict.fromkeys(text.split()))
    if len(tokens) > SCOPE_LIMIT:
        raise FieldError(f"must not hold more than {SCOPE_LIMIT} scopes")
    return tokens


def default_scope(catalogue: Sequence[ScopeDefinition]) -> tuple[str, ...]:
    """Return what a client gets that asks for nothing in particular."""
    return tuple(scope.name for scope in catalogue if scope.default and not scope.restricted)


def unasked_scope(catalogue: Sequence[ScopeDefinition], may_have: Sequence[str]) -> tuple[str, ...]:
    """Return what of *may_have* somebody gets who asks for nothing in particular.

    That is the default set, else everything; never a restricted scope, which is to be asked for.
    """
    preset = tuple(name for name in default_scope(catalogue) if name in may_have)
    if preset:
        return preset
    restricted = {scope.name for scope in catalogue if scope.restricted}
    return tuple(name for name in may_have if name not in restricted)


class Split(msgspec.Struct, frozen=True):
    """A requested scope, divided: what is granted, what needs approval, what there is not."""

    granted: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]


def split_scope(requested: Sequence[str], catalogue: Mapping[str, ScopeDefinition]) -> Split:
    """Divide *requested* by what the *catalogue*, by name, says of each token."""
    known = [catalogue[token] for token in requested if token in catalogue]
    return Split(
        granted=tuple(scope.name for scope in known if not scope.restricted),
        pending=tuple(scope.name for scope in known if scope.restricted),
        unknown=tuple(token for token in requested if token not in catalogue),
    )
