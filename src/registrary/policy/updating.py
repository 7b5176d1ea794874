"""Deciding what a client asks of its own registration (RFC 7592)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from registrary.core.changes import Changes, Put
from registrary.core.client import Client, Credential, revoke
from registrary.core.draft import SectorDocument
from registrary.core.errors import Problem
from registrary.core.events import Event, Tag
from registrary.core.lifecycle import HoldKind
from registrary.core.metadata import Offer, base_name, parse_document
from registrary.core.secrets import Prefix, Secret
from registrary.policy.ceilings import broken_ceilings, policies_over, through_the_door
from registrary.policy.consistency import (
    Resolved,
    needs_recoverable_secret,
    needs_secret,
    noticed,
    resolve,
    sector_host,
)
from registrary.policy.credentials import (
    CREDENTIALS_DRAW_BYTES,
    Issue,
    find_credential,
    issue_client_secret,
    issue_registration_access_token,
    succeed,
)
from registrary.policy.decision import Accepted, Refused
from registrary.policy.doors import NETWORK_REFUSED
from registrary.policy.journal import EVENT_DRAW_BYTES, an_event, metadata_changes
from registrary.policy.quotas import counted
from registrary.policy.registering import (
    Terms,
    refuse_document,
    secret_lifetime,
    sector_problem,
)

UPDATE_DRAW_BYTES: Final = CREDENTIALS_DRAW_BYTES + 3 * EVENT_DRAW_BYTES
FORBIDDEN_MEMBERS: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)
DESCRIPTIVE: Final = frozenset(
    {"client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri", "contacts"}
)
_SECTION: Final = "RFC 7592 §2.2"


class Rotation(StrEnum):
    """Which credential an update asks to be replaced."""

    CLIENT_SECRET = "client_secret"
    REGISTRATION_ACCESS_TOKEN = "registration_access_token"


class Update(msgspec.Struct, frozen=True):
    """A screened update: the client as it is, and as it would be."""

    current: Client
    resolved: Resolved
    rotation: Rotation | None


def screen_update(
    document: Mapping[str, Any],  # Any: values of members are any JSON
    current: Client,
    offer: Offer,
    *,
    rotation: Rotation | None,
    terms: Terms,
) -> Update | Refused:
    """Judge a full replacement of *current* by what is known here; see `decide_update`.

    The ceilings of the door it came in by and of the issuer bind the result, whatever the
    document says.
    """
    refused = _refuse_structure(document, current, terms)
    if refused is not None:
        return refused
    if rotation is not None and not _may_rotate(current):
        return Refused("access_denied", "while the client is held no credential is replaced")
    policies = policies_over(current, terms.issuer)
    if policies is None:
        return NETWORK_REFUSED
    parsed = parse_document(document, offer)
    unusable = [problem.field for problem in parsed.problems]
    door = current.door.mode
    own_offer = through_the_door(offer, door, policies).approving(current.approved_scope)
    resolved = resolve(parsed.values, own_offer, unusable=unusable)
    problems = (
        *parsed.problems,
        *resolved.problems,
        *broken_ceilings(resolved, policies),
        *_sector_kept(current, resolved),
    )
    if problems:
        return refuse_document(resolved, problems)
    if current.effects.descriptive_only and not _is_descriptive(current, resolved):
        return Refused("access_denied", "while the client is held only what people read may change")
    return Update(current, resolved, rotation)


def _may_rotate(client: Client) -> bool:
    """Tell whether *client* may replace its credentials.

    Who took its tokens must not come out of a hold with a secret of its own. One that is held
    for nothing but credentials that expired gets the new ones it lacks.
    """
    if not client.effects.descriptive_only:
        return True
    kinds = {held.kind for held in client.holds}
    return kinds == {HoldKind.CREDENTIAL_EXPIRED}


def _refuse_structure(
    document: Mapping[str, Any],  # Any: values of members are any JSON
    current: Client,
    terms: Terms,
) -> Refused | None:
    """Refuse a body that is not this client's registration (RFC 7592 §2.2)."""
    for name in FORBIDDEN_MEMBERS:
        if name in document:
            return Refused("invalid_request", f"{name}: must not be in an update")
    if document.get("client_id") != current.client_id:
        return Refused("invalid_request", "client_id: must be the client's own")
    if "client_secret" not in document:
        return None
    sent = document["client_secret"]
    if not isinstance(sent, str) or not _is_secret(Secret(sent), current, terms):
        return Refused("invalid_request", "client_secret: must be the current one, or left out")
    return None


def _is_secret(sent: Secret, current: Client, terms: Terms) -> bool:
    found = find_credential(
        sent,
        current.secrets,
        peppers=terms.keys.peppers,
        purpose=Prefix.CLIENT_SECRET,
        now=terms.now,
    )
    return found is not None


def _sector_kept(current: Client, resolved: Resolved) -> tuple[Problem, ...]:
    """Refuse a new sector: it would give every person another name (OIDC Core §8.1).

    Leaving is refused too. Whoever came back would otherwise choose a sector anew.
    """
    before = sector_host(current.metadata)
    if before is None or sector_host(resolved.metadata) == before:
        return ()
    is_left = resolved.metadata.get("subject_type") != "pairwise"
    name = "subject_type" if is_left else "sector_identifier_uri"
    rule = "must keep the sector that people's subjects are computed for"
    return (Problem("invalid_client_metadata", name, rule, "OpenID Connect Core §8.1"),)


def _is_descriptive(current: Client, resolved: Resolved) -> bool:
    changed = {
        base_name(name)
        for name in current.metadata.keys() | resolved.metadata.keys()
        if current.metadata.get(name) != resolved.metadata.get(name)
    }
    return changed <= DESCRIPTIVE


def decide_update(
    update: Update, terms: Terms, sector: SectorDocument | None
) -> Accepted | Refused:
    """Replace the client's registration as a whole, with whatever credentials follow from it.

    One that changes nothing writes nothing: no revision, no event.
    """
    found = sector_problem(update.resolved, sector)
    if found is not None:
        return refuse_document(update.resolved, (found,))
    current, resolved = update.current, update.resolved
    client = msgspec.structs.replace(
        current,
        metadata=resolved.metadata,
        provenance=resolved.provenance,
        updated_at=terms.now,
        revision=current.revision + 1,
        token_generation=current.token_generation + _is_narrowed(current, resolved),
    )
    client, secret = _with_secret(client, update, terms)
    client, token = _with_token(client, update, terms)
    if _is_as_before(current, client):
        return Accepted(current, Changes(), pending_scope=resolved.pending_scope)
    return Accepted(
        client=client,
        changes=Changes(
            puts=(Put(client, expected=current.revision),),
            events=tuple(_events(update, client, terms, secret=secret, token=token)),
        ),
        client_secret=secret,
        registration_access_token=token,
        pending_scope=resolved.pending_scope,
    )


def _is_as_before(current: Client, client: Client) -> bool:
    """Tell whether an update came to what is there; that it now says so itself is no change."""
    return (
        current.metadata == client.metadata
        and current.secrets == client.secrets
        and current.registration_access_tokens == client.registration_access_tokens
    )


def _is_narrowed(current: Client, resolved: Resolved) -> bool:
    """Tell whether tokens issued so far may allow more than the client now may."""
    before, after = current.metadata, resolved.metadata
    lost_scope = set(before.get("scope", "").split()) - set(after.get("scope", "").split())
    lost_grant = set(before.get("grant_types", ())) - set(after.get("grant_types", ()))
    return bool(lost_scope or lost_grant)


def _issue(client: Client, terms: Terms) -> Issue:
    policies = policies_over(client, terms.issuer) or ()
    lifetime = secret_lifetime(terms.issuer, policies)
    return Issue(client.issuer, client.client_id, terms.now, lifetime)


def _with_secret(client: Client, update: Update, terms: Terms) -> tuple[Client, Secret | None]:
    """Issue a secret when one is asked for or newly needed; drop it when it no longer is."""
    if not needs_secret(client.metadata):
        return msgspec.structs.replace(client, secrets=()), None
    recoverable = needs_recoverable_secret(client.metadata)
    kept = client.secrets if recoverable else _only_digests(client.secrets)
    serves = bool(kept) and (not recoverable or kept[-1].sealed is not None)
    if serves and update.rotation is not Rotation.CLIENT_SECRET:
        return msgspec.structs.replace(client, secrets=kept), None
    secret, credential = issue_client_secret(
        _issue(client, terms), terms.keys, terms.draw, is_recoverable=recoverable
    )
    overlap = terms.issuer.lifetimes.client_secret_overlap
    return msgspec.structs.replace(
        client, secrets=succeed(kept, credential, overlap=overlap)
    ), secret


def _only_digests(secrets: tuple[Credential, ...]) -> tuple[Credential, ...]:
    """Forget what could be read back: no method needs it any more."""
    return tuple(
        secret if secret.sealed is None else msgspec.structs.replace(secret, sealed=None)
        for secret in secrets
    )


def _with_token(client: Client, update: Update, terms: Terms) -> tuple[Client, Secret | None]:
    if update.rotation is not Rotation.REGISTRATION_ACCESS_TOKEN:
        return client, None
    token, credential = issue_registration_access_token(
        _issue(client, terms), terms.keys, terms.draw
    )
    overlap = terms.issuer.lifetimes.registration_access_token_overlap
    tokens: tuple[Credential, ...] = succeed(
        client.registration_access_tokens, credential, overlap=overlap
    )
    return msgspec.structs.replace(client, registration_access_tokens=tokens), token


def _events(
    update: Update, client: Client, terms: Terms, *, secret: Secret | None, token: Secret | None
) -> list[Event]:
    changes = metadata_changes(update.current, client)
    tags = [Tag.SECRET_ROTATED] if secret else []
    tags += [Tag.REGISTRATION_ACCESS_TOKEN_ROTATED] if token else []
    events = [
        an_event(terms.occasion, tag, draw=terms.draw, client_id=client.client_id) for tag in tags
    ]
    updated = an_event(
        terms.occasion,
        Tag.CLIENT_UPDATED,
        draw=terms.draw,
        client_id=client.client_id,
        changes=changes,
        detail=noticed(update.resolved),
    )
    return [updated, *events]


def decide_deletion(current: Client, terms: Terms) -> tuple[Client, Changes]:
    """Revoke *current* at its own request (RFC 7592 §2.3): a tombstone stays.

    Returned is the tombstone, and the changes that make it so.
    """
    deleted = an_event(
        terms.occasion, Tag.CLIENT_DELETED, draw=terms.draw, client_id=current.client_id
    )
    gone = revoke(current, now=terms.now)
    return gone, Changes(
        puts=(Put(gone, expected=current.revision),),
        events=(deleted,),
        consumptions=counted(terms.issuer, current.door.organization, amount=-1),
    )
