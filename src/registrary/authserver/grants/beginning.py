"""Making grants: what tokens come of, and where a person finds it again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from registrary.authserver.context import ServerContext
from registrary.authserver.grants.request import TokenRequest
from registrary.authserver.services import ServerServices
from registrary.core.changes import Put
from registrary.core.grants import Authorization, Confirmation, Grant, GrantOfPerson, RefreshToken
from registrary.core.ids import new_id
from registrary.core.issuer import Lifetimes
from registrary.core.secrets import (
    FAMILY_KEY_BYTES,
    TOKEN_DRAW_BYTES,
    Prefix,
    Secret,
    mint_token_of_family,
)

_DRAW_BYTES: Final = 10 + FAMILY_KEY_BYTES + TOKEN_DRAW_BYTES


@dataclass(frozen=True, slots=True)
class NewGrant:
    """A grant that is not stored yet, and its refresh token where it has one.

    Nothing of it is good after *ends_at*, however often it is renewed.
    """

    grant: Grant
    ends_at: datetime
    refresh_token: Secret | None = None

    def puts(self) -> tuple[Put, ...]:
        """Return what must be committed with the redemption."""
        person = self.grant.authorization.person
        if person is None:
            return (Put(self.grant),)
        lead = GrantOfPerson(
            issuer=self.grant.issuer,
            person=person,
            client_id=self.grant.authorization.client_id,
            grant=self.grant.id,
            expires_at=self.ends_at,
        )
        return (Put(self.grant), Put(lead))


def begin_grant(
    services: ServerServices,
    context: ServerContext,
    authorization: Authorization,
    *,
    grant_type: str,
    request: TokenRequest,
) -> NewGrant:
    """Return a grant of *authorization*, with a refresh token if the client gets one.

    Only a public client's is bound to the key it proved: that of another proves its client too
    (RFC 9449 §5, RFC 8705 §4).
    """
    now, lifetimes = services.clock.now(), context.issuer.lifetimes
    draw = services.draw(_DRAW_BYTES)
    grant_id = new_id(now, draw)
    grant = Grant(
        issuer=context.id,
        id=grant_id,
        grant_type=grant_type,
        authorization=authorization,
        confirmation=request.confirmation if request.is_public else Confirmation(),
        created_at=now,
        used_at=now,
        expires_at=now + lifetimes.access_token,
    )
    if not request.gets_refresh_token(grant_type):
        return NewGrant(grant, grant.expires_at)
    key = draw.take(FAMILY_KEY_BYTES)
    token = mint_token_of_family(Prefix.REFRESH_TOKEN, draw, bytes.fromhex(grant_id), key=key)
    renewable = msgspec.structs.replace(
        grant,
        refresh_token=kept_token(services, token, key=key, now=now),
        expires_at=renewed_until(grant, lifetimes, now=now),
    )
    return NewGrant(renewable, end_of(grant, lifetimes), token)


def end_of(grant: Grant, lifetimes: Lifetimes) -> datetime:
    """Return when a *grant* with a refresh token ends, however often it is renewed."""
    return grant.created_at + max(lifetimes.grant, lifetimes.access_token)


def renewed_until(grant: Grant, lifetimes: Lifetimes, *, now: datetime) -> datetime:
    """Return when a *grant* ends that is used at *now* and never again."""
    unused = now + max(lifetimes.refresh_token, lifetimes.access_token)
    return min(unused, end_of(grant, lifetimes))


def kept_token(
    services: ServerServices, token: Secret, *, key: bytes, now: datetime
) -> RefreshToken:
    """Return what a grant keeps of its refresh token."""
    digest = services.secret_keys.peppers().digest(token, purpose=Prefix.REFRESH_TOKEN)
    return RefreshToken(pepper_id=digest.key_id, mac=digest.mac, family_key=key, issued_at=now)
