"""Credentials of clients: born here from passed randomness, shown once, kept as digests."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from registrary.core.client import Client, Credential
from registrary.core.entropy import Draw
from registrary.core.sealing import SEAL_DRAW_BYTES, Place, Sealer
from registrary.core.secrets import (
    CLIENT_SECRET_DRAW_BYTES,
    TOKEN_DRAW_BYTES,
    Digest,
    PepperRing,
    Prefix,
    Secret,
    mint_client_secret,
    mint_registration_access_token,
)

CREDENTIALS_DRAW_BYTES: Final = CLIENT_SECRET_DRAW_BYTES + TOKEN_DRAW_BYTES + SEAL_DRAW_BYTES


class CredentialKeys(msgspec.Struct, frozen=True):
    """The keys credentials are digested and sealed with, as of one decision."""

    peppers: PepperRing
    sealer: Sealer


class Issue(msgspec.Struct, frozen=True):
    """What a new credential is for: whose it is, when it begins and how long it lasts."""

    issuer: str
    client_id: str
    now: datetime
    lifetime: timedelta | None = None


def issue_client_secret(
    issue: Issue, keys: CredentialKeys, draw: Draw, *, is_recoverable: bool
) -> tuple[Secret, Credential]:
    """Return a new client secret and how it is kept; sealed too when HMAC must read it back."""
    secret = mint_client_secret(draw)
    digest = keys.peppers.digest(secret, purpose=Prefix.CLIENT_SECRET)
    sealed = None
    if is_recoverable:
        place = secret_place(issue.issuer, issue.client_id)
        sealed = keys.sealer.seal(secret.reveal().encode(), place, draw)
    credential = Credential(
        pepper_id=digest.key_id,
        mac=digest.mac,
        issued_at=issue.now,
        expires_at=issue.now + issue.lifetime if issue.lifetime else None,
        sealed=sealed,
    )
    return secret, credential


def issue_registration_access_token(
    issue: Issue, keys: CredentialKeys, draw: Draw
) -> tuple[Secret, Credential]:
    """Return a new registration access token, which names its client, and how it is kept."""
    token = mint_registration_access_token(draw, bytes.fromhex(issue.client_id))
    digest = keys.peppers.digest(token, purpose=Prefix.REGISTRATION_ACCESS_TOKEN)
    kept = Credential(pepper_id=digest.key_id, mac=digest.mac, issued_at=issue.now)
    return token, kept


def secret_place(issuer: str, client_id: str) -> Place:
    """Return where a sealed client secret is kept."""
    return Place("client", "secrets", issuer, client_id)


def find_credential(
    secret: Secret,
    kept: tuple[Credential, ...],
    *,
    peppers: PepperRing,
    purpose: Prefix,
    now: datetime,
) -> Credential | None:
    """Return which of *kept* *secret* is, if that one is usable at *now*.

    With nothing kept one comparison is made all the same, so that it takes as long.
    """
    found = None
    for credential in kept:
        digest = Digest(credential.pepper_id, credential.mac)
        if peppers.verify(secret, digest, purpose=purpose) and credential.is_usable(now):
            found = credential
    if not kept:
        peppers.verify(secret, Digest(peppers.newest, b"\0" * 32), purpose=purpose)
    return found


def succeed(
    kept: tuple[Credential, ...], successor: Credential, *, overlap: timedelta
) -> tuple[Credential, ...]:
    """Return *kept* with *successor* as the newest; the one in use retires after *overlap*.

    While two are kept the newer was never used, and whoever asks again may never have seen it.
    So it is the one that gives way, and the one in use retires when it was told to, not later.
    """
    if not kept:
        return (successor,)
    now = successor.issued_at
    in_use = kept[0] if kept[0].is_usable(now) else kept[-1]
    retire_at = min(in_use.retire_at or now + overlap, now + overlap)
    return (msgspec.structs.replace(in_use, retire_at=retire_at), successor)


def is_first_use(used: Credential, kept: tuple[Credential, ...]) -> bool:
    """Tell whether *used* is a successor whose predecessor has now served its time."""
    return len(kept) > 1 and used == kept[-1]


def usable_secrets(client: Client, now: datetime) -> tuple[Credential, ...]:
    """Return the secrets of *client* that are good at *now*."""
    return tuple(secret for secret in client.secrets if secret.is_usable(now))
